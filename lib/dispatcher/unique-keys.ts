import { ConfigurationError } from '../errors.js';
import type { Audited } from '../events/audited.js';
import type { StateBackend } from '../state/state-backend.js';
import { display } from '../task/argument-types.js';
import { text } from '../task/option-kinds.js';
import { checkOptions } from '../task/options.js';
import type { HeldKey } from '../inspection/locks-report.js';
import type { OrderLines } from '../worker/gates/order/order-lines.js';
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
  readonly orders: () => OrderLines;
}

const PREFIXES: readonly string[] = ['unique:', 'order:'];

/** Unique keys as the state that processes share has them: looked at, and freed by hand. */
export class UniqueKeys {
  constructor(private readonly dependencies: UniqueKeysDependencies) {}

  /** Of a unique key, or that of a window or a line. `undefined`: nobody holds it. @throws what the shared state throws */
  async claim(key: string): Promise<HeldKey | undefined> {
    if (kindOfKey(key) === 'order') return this.line(key);
    const found = await (await this.dependencies.backend()).get(key);
    return found && (kindOfKey(key) === 'window' ? windowIn(found) : decodeUniqueClaim(found));
  }

  private async line(key: string): Promise<HeldKey | undefined> {
    const lines = this.dependencies.orders();
    const found = await lines.find(key);
    if (found === undefined) return undefined;
    const head = await lines.task(found.line.head);
    return { uuid: head?.uuid ?? '', state: found.line.haltedAt === undefined ? 'held' : 'halted' };
  }

  /** Whoever stands behind it comes. */
  private async goOn(key: string): Promise<boolean> {
    const lines = this.dependencies.orders();
    const found = await lines.find(key);
    return found !== undefined && lines.leave(key, found.line.head);
  }

  /** @throws ConfigurationError for what is no unique key, and what the shared state throws */
  async release(key: string, options: ReleaseOptions): Promise<boolean> {
    return this.dependencies.audited({ action: 'unique.release', by: options?.by, reason: options?.reason, what: { key } }, async () => {
      check(key, options);
      await this.dependencies.ready();
      if (kindOfKey(key) === 'order') return this.goOn(key);
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
  if (typeof key !== 'string' || !PREFIXES.some((prefix) => key.startsWith(prefix))) {
    throw new ConfigurationError(`What is freed is a unique key, or the line of ordered tasks, as inspect.locks() tells it, which begins with "${PREFIXES.join('" or "')}"; found ${display(key)}.`, { found: display(key) });
  }
  checkOptions(options, { by: text(), reason: text() }, { of: 'releaseUnique', example: "{ by: 'ann', reason: 'its queue was deleted' }", required: ['by', 'reason'] });
}
