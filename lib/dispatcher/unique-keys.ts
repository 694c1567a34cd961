import { ConfigurationError } from '../errors.js';
import type { Audited } from '../events/audited.js';
import type { StateBackend } from '../state/state-backend.js';
import { display } from '../task/argument-types.js';
import { text } from '../task/option-kinds.js';
import { checkOptions } from '../task/options.js';
import type { HeldKey } from '../inspection/locks-report.js';
import { kindOfKey } from '../inspection/locks-report.js';
import { decodeEdgeRecord } from '../task/edge-record.js';
import { decodeUniqueClaim } from '../task/unique-claim.js';
import { clock } from '../time/clock.js';

/** @publicApi */
export interface ReleaseOptions {
  /** Who frees it. */
  readonly by: string;
  /** Why. */
  readonly reason: string;
}

export interface UniqueKeysDependencies {
  readonly backend: () => Promise<StateBackend>;
  /** Resolves when the broker can be used. */
  readonly ready: () => Promise<void>;
  readonly audited: Audited;
}

const PREFIX = 'unique:';

/** Unique keys as the state that processes share has them: looked at, and freed by hand. */
export class UniqueKeys {
  constructor(private readonly dependencies: UniqueKeysDependencies) {}

  /** Of a unique key, or that of a window. `undefined`: nobody holds it. @throws what the shared state throws */
  async claim(key: string): Promise<HeldKey | undefined> {
    const found = await (await this.dependencies.backend()).get(key);
    return found && (kindOfKey(key) === 'window' ? windowIn(found) : decodeUniqueClaim(found));
  }

  /** @throws ConfigurationError for what is no unique key, and what the shared state throws */
  async release(key: string, options: ReleaseOptions): Promise<boolean> {
    return this.dependencies.audited({ action: 'unique.release', by: options?.by, reason: options?.reason, what: { key } }, async () => {
      check(key, options);
      await this.dependencies.ready();
      const state = await this.dependencies.backend();
      const found = await state.get(key);
      return found !== undefined && decodeUniqueClaim(found) !== undefined && state.deleteIfEqual(key, found);
    }, (was) => ({ count: was ? 1 : 0 }));
  }
}

/** One that is only remembered is over. */
function windowIn(bytes: Buffer): HeldKey | undefined {
  const record = decodeEdgeRecord(bytes);
  if (record === undefined || (record.state === 'open' && record.until <= clock.now())) return undefined;
  const { uuid, state, until, changes } = record;
  return { uuid, state, until, ...(state === 'waiting' ? { absorbed: changes } : {}) };
}

function check(key: unknown, options: ReleaseOptions): void {
  if (typeof key !== 'string' || !key.startsWith(PREFIX)) {
    throw new ConfigurationError(`What is freed is a unique key as inspect.locks() tells it, which begins with "${PREFIX}"; found ${display(key)}.`, { found: display(key) });
  }
  checkOptions(options, { by: text(), reason: text() }, { of: 'releaseUnique', example: "{ by: 'ann', reason: 'its queue was deleted' }", required: ['by', 'reason'] });
}
