import type { Audited } from '../events/audited.js';
import type { DeadLetter, DeadLetterFilter } from './dead-letter.js';
import type { DeadLetterCount, DeadLetterPage, DeadLetterQueues, ReplaySummary } from './dead-letter-queues.js';
import type { BulkOptions, DeadLetterBounds, DeadLetterListOptions, ReplayAllOptions, ReplayOptions } from './options.js';

/**
 * The dead letters of the work queues. Every `queue` here is the work queue's name, not that of its
 * `<queue>.dead`; or `<exchange>.undelivered`, where delayed tasks are that no queue took when they were due, and from
 * where a replay goes to the routing key, or the queue, that they were for. Looking changes nothing; operations on one queue take turns, among all processes.
 *
 * Each method rejects with a `BrokerError` of the code `ERR_DISPATCHER_NOT_FOUND` where the queue has none
 * declared, `ERR_DISPATCHER_BROWSING` where others are at it for too long, or `BrokerUnavailableError`.
 *
 * @publicApi
 */
export class DeadLetters {
  /** Made by the dispatcher. */
  constructor(private readonly queues: DeadLetterQueues, private readonly audited: Audited) {}

  /** One page, the oldest first. Others may remove dead letters meanwhile: none is skipped for it. */
  list(queue: string, options?: DeadLetterListOptions): Promise<DeadLetterPage> {
    return this.queues.list(queue, options);
  }

  /** The oldest dead letter of this id, or `undefined`. */
  get(queue: string, id: string): Promise<DeadLetter | undefined> {
    return this.queues.get(queue, id);
  }

  /** How many {@link replayAll} or {@link discardAll} would take with these options, copies of one counted once. Changes nothing. */
  count(queue: string, options?: BulkOptions): Promise<DeadLetterCount> {
    return this.queues.count(queue, options);
  }

  /**
   * Runs it anew: published with the same uuid, from attempt 1, its history kept; removed from the dead letters
   * once that is confirmed. A crash in between leaves both.
   *
   * @returns false when there is none of this id
   * @throws InvalidTaskError, TaskTooLargeError for arguments that do not fit, UnroutableTaskError and what else
   *   `publish` rejects with; the dead letter stays then
   */
  async replay(queue: string, id: string, options?: ReplayOptions): Promise<boolean> {
    return this.audited({ action: 'dead-letters.replay', what: { queue, id, edited: options?.args === undefined ? undefined : true } },
      () => this.queues.replay(queue, id, options), (done) => ({ count: done ? 1 : 0 }));
  }

  /** Replays all that fit, the oldest first. Those that die again meanwhile are not replayed once more. */
  async replayAll(queue: string, options?: ReplayAllOptions): Promise<ReplaySummary> {
    return this.audited({ action: 'dead-letters.replay', what: { queue, ...conditionsOf(options) } },
      () => this.queues.replayAll(queue, options), ({ replayed, failed }) => ({ count: replayed, failed: failed.length }));
  }

  /** Removes it for good. False when there is none of this id. */
  async discard(queue: string, id: string): Promise<boolean> {
    return this.audited({ action: 'dead-letters.discard', what: { queue, id } }, () => this.queues.discard(queue, id), (done) => ({ count: done ? 1 : 0 }));
  }

  /** Removes all that fit for good. Returns how many. */
  async discardAll(queue: string, options?: BulkOptions): Promise<number> {
    const { discarded } = await this.audited({ action: 'dead-letters.discard', what: { queue, ...conditionsOf(options) } },
      () => this.queues.discardAll(queue, options), (done) => ({ count: done.discarded }));
    return discarded;
  }

  /**
   * Applies bounds: removes for good what is too old, and the oldest of what is too many. Nothing is ever trimmed
   * without this call: run it from a schedule of yours. Returns how many were removed.
   *
   * @throws InvalidTaskError when neither bound is given, or one is no number from 0
   */
  async trim(queue: string, bounds: DeadLetterBounds): Promise<number> {
    return this.audited({ action: 'dead-letters.trim', what: { queue, maxCount: bounds?.maxCount, maxAgeSeconds: bounds?.maxAgeSeconds } },
      () => this.queues.trim(queue, bounds), (count) => ({ count }));
  }
}

/** What is told of which are meant: a function says nothing of itself. */
export function conditionsOf(options: { readonly filter?: DeadLetterFilter; readonly limit?: number } | undefined): Readonly<Record<string, unknown>> {
  const { filter, limit } = options ?? {};
  const conditions = typeof filter === 'function' ? { filter: 'a function' } : { ...filter };
  return { ...conditions, limit };
}
