import { DispatcherError } from '../../errors.js';
import type { StateBackend } from '../../state/state-backend.js';
import { encodeValue } from '../../results/result-value.js';
import { versionIn } from '../../task/headers.js';
import type { AddressedTask } from '../../task/task.js';
import type { UniqueMark, UniqueOutcome } from '../../task/unique-options.js';
import { decodeUniqueClaim, encodeUniqueClaim, type UniqueClaim } from '../../task/unique-claim.js';
import { clock } from '../../time/clock.js';

/** Longer than a publish can take: until then a key whose publisher has died stays taken. */
const PUBLISHING_MARGIN_MS = 30_000;
const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 250;

export interface UniqueTold {
  /** A key was taken for this task, and the broker has it. */
  claimed(key: string, task: Pick<AddressedTask, 'uuid' | 'name'>): void;
  problem(message: string, error: unknown): void;
}

/**
 * Publishes tasks of which only one may be there. The key is claimed before the task is sent, first only for as long
 * as a publish can take, and held once the broker has the task: a publisher that dies in between does not keep others
 * from publishing for long. Who finds a key in that state waits until it is decided: nobody is told of a task that does
 * not come. A publish that fails frees the key, also where its outcome is unknown: rather two than none.
 */
export class UniquePublisher {
  private readonly publishingMs: number;

  constructor(private readonly backend: () => Promise<StateBackend>, publishTimeoutMs: number, private readonly told: UniqueTold) {
    this.publishingMs = publishTimeoutMs + PUBLISHING_MARGIN_MS;
  }

  /** @throws what `publish` throws, or the shared state: nothing was published then */
  async send(task: AddressedTask, mark: UniqueMark, publish: () => Promise<unknown>): Promise<UniqueOutcome> {
    const backend = await this.backend();
    const bytes = encodeUniqueClaim({ uuid: task.uuid, token: mark.token, state: 'publishing', ...versionOf(task), until: clock.now() + this.publishingMs });
    const deadline = clock.elapsed() + 2 * this.publishingMs;
    for (let pauseMs = FIRST_PAUSE_MS; clock.elapsed() < deadline; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      const claiming = await backend.setIfAbsent(mark.key, bytes, { expiresInMs: this.publishingMs });
      if (claiming.taken || claiming.value.equals(bytes) || await this.overcome(backend, mark.key, claiming.value, bytes)) {
        await this.publishHolding(backend, task, mark, bytes, publish);
        return { taken: true };
      }
      const outcome = await this.refused(backend, mark, task, claiming.value);
      if (outcome !== undefined) return outcome;
      await clock.sleep(pauseMs * (0.5 + clock.random()));
    }
    throw undecided(task, mark.key);
  }

  private async publishHolding(backend: StateBackend, task: AddressedTask, mark: UniqueMark, bytes: Buffer, publish: () => Promise<unknown>): Promise<void> {
    try {
      await publish();
    } catch (error) {
      await backend.deleteIfEqual(mark.key, bytes).catch((problem: unknown) => {
        this.told.problem(`The unique key of task "${task.name}" (${task.uuid}), which could not be published, is not free before ${this.publishingMs / 1000} s have passed.`, problem);
      });
      throw error;
    }
    this.told.claimed(mark.key, task);
    const expiresInMs = Math.max((task.dueAt ?? 0) - clock.now(), 0) + mark.seconds * 1000;
    const held: UniqueClaim = { uuid: task.uuid, token: mark.token, state: 'held', ...versionOf(task), until: clock.now() + expiresInMs };
    // Where it is not there any more, a fast worker has freed it already.
    await backend.replaceIfEqual(mark.key, bytes, encodeUniqueClaim(held), { expiresInMs }).catch((problem: unknown) => {
      this.told.problem(`Task "${task.name}" (${task.uuid}) was published, but its unique key may be free too early.`, problem);
    });
  }

  /** `undefined`: it is not decided yet, or has just changed; look again. */
  private async refused(backend: StateBackend, { key, replace }: UniqueMark, { args, headers }: AddressedTask, found: Buffer): Promise<UniqueOutcome | undefined> {
    const claim = decodeUniqueClaim(found);
    if (claim === undefined || claim.state === 'publishing') return undefined;
    const { uuid, until } = claim;
    // Arguments of another version are not for it.
    if (!replace || claim.state === 'started' || (claim.version ?? 1) !== versionIn(headers)) return { taken: false, uuid, replaced: false };
    const encoded = encodeValue(args);
    if ('problem' in encoded) return { taken: false, uuid, replaced: false };
    const newer = encodeUniqueClaim({ ...claim, args: encoded.text });
    const isReplaced = newer.equals(found) || await backend.replaceIfEqual(key, found, newer, { expiresInMs: Math.max(until - clock.now(), 1) });
    return isReplaced ? { taken: false, uuid, replaced: true } : undefined;
  }

  /** Bytes that are no claim hold nothing. */
  private async overcome(backend: StateBackend, key: string, found: Buffer, bytes: Buffer): Promise<boolean> {
    return decodeUniqueClaim(found) === undefined && backend.replaceIfEqual(key, found, bytes, { expiresInMs: this.publishingMs });
  }
}

function versionOf({ headers }: AddressedTask): Pick<UniqueClaim, 'version'> {
  const version = versionIn(headers);
  return version === 1 ? {} : { version };
}

function undecided({ name, uuid }: AddressedTask, key: string): DispatcherError {
  return new DispatcherError('ERR_DISPATCHER_UNIQUE_UNDECIDED',
    `Task "${name}" (${uuid}) was not published: others were publishing under its unique key "${key}" all the time, and none of them came to an end. Try again.`,
    { task: name, uuid, key }, { retryable: true });
}
