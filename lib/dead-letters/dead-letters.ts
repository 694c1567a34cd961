import type { Address, Broker, BrowseAnswer, BrowsedMessage, BrowseResult } from '../brokers/broker.js';
import { DispatcherError, InvalidTaskError, UnroutableTaskError } from '../errors.js';
import type { Format } from '../formats/format.js';
import { display } from '../task/argument-types.js';
import { deadLetterQueueOf } from '../task/dead-letter-queue.js';
import { isLineOf } from '../task/queue-lines.js';
import type { TaskArgument } from '../task/task.js';
import { Copies } from './copies.js';
import { type DeadLetter, type DeadLetterFilter, predicateOf } from './dead-letter.js';
import { decodeCursor, PageCollector } from './page-cursor.js';
import { readDeadLetter } from './read-dead-letter.js';
import { replayMessage } from './replay-message.js';

/** What one page may hold in bodies: a page of the largest tasks must not fill memory. */
const PAGE_BYTES = 32 * 1024 * 1024;
const DEFAULT_PAGE = 50;
const LARGEST_PAGE = 1_000;
/** What a bulk operation tells of single failures. */
const MOST_FAILURES = 100;

/** @publicApi */
export interface DeadLetterListOptions {
  /** `next` of an earlier page. Default: the beginning. */
  readonly after?: string;
  /** How many at most, from 1 to 1,000. A page also ends at 32 MiB of bodies. Default: 50. */
  readonly limit?: number;
  readonly filter?: DeadLetterFilter;
}

/** @publicApi */
export interface DeadLetterPage {
  /** The oldest first. */
  readonly letters: readonly DeadLetter[];
  /** For the next page; absent on the last one. */
  readonly next?: string;
  /** How many messages the queue of dead letters had, whatever the filter, copies of one dead letter included. */
  readonly total: number;
  /** True when there are more than can be looked through (50,000, or 128 MiB): the rest is not seen until some are gone. */
  readonly truncated: boolean;
}

/** @publicApi */
export interface ReplayOptions {
  /** Other arguments, checked as by `publish`. Default: the body as it is, byte for byte. */
  readonly args?: TaskArgument[];
  /** Where to. Default: its work queue alone; `{ routingKey }` reaches every queue bound to that key. */
  readonly to?: Address;
}

/** @publicApi */
export interface BulkOptions {
  /** Default: all. */
  readonly filter?: DeadLetterFilter;
  /** How many at most, the oldest first. Default: no limit. */
  readonly limit?: number;
}

/** @publicApi */
export interface ReplaySummary {
  readonly replayed: number;
  /** Those that could not be sent as they are; they stay. The first 100. */
  readonly failed: readonly { readonly id: string; readonly error: DispatcherError }[];
  /** See {@link DeadLetterPage.truncated}. */
  readonly truncated: boolean;
}

/** At least one of the two. @publicApi */
export interface DeadLetterBounds {
  /** The oldest beyond this many go. */
  readonly maxCount?: number;
  /** Those that died longer ago go; what has no time stays. */
  readonly maxAgeSeconds?: number;
}

export interface DeadLettersDependencies {
  readonly broker: Broker;
  readonly format: Format;
  readonly maxTaskBytes: number;
  now(): number;
  /** Resolves when the broker can be used. */
  ready(): Promise<void>;
}

/**
 * The dead letters of the work queues. Every `queue` here is the work queue's name, not that of its
 * `<queue>.dead`. Looking changes nothing; operations on one queue take turns, among all processes.
 *
 * Each method rejects with a `BrokerError` of the code `ERR_DISPATCHER_NOT_FOUND` where the queue has none
 * declared, `ERR_DISPATCHER_BROWSING` where others are at it for too long, or `BrokerUnavailableError`.
 *
 * @publicApi
 */
export class DeadLetters {
  /** Made by the dispatcher. */
  constructor(private readonly dependencies: DeadLettersDependencies) {}

  /** One page, the oldest first. Others may remove dead letters meanwhile: none is skipped for it. */
  async list(queue: string, options: DeadLetterListOptions = {}): Promise<DeadLetterPage> {
    const { after, limit = DEFAULT_PAGE, filter } = options;
    if (!(Number.isSafeInteger(limit) && limit >= 1 && limit <= LARGEST_PAGE)) {
      throw new InvalidTaskError(`limit must be a whole number from 1 to ${LARGEST_PAGE}; found ${display(limit)}.`, { limit });
    }
    const page = new PageCollector(after === undefined ? undefined : decodeCursor(after), limit, PAGE_BYTES, predicateOf(filter));
    const total = await this.depth(queue);
    const shown = new Copies();
    const { end } = await this.walk(queue, (letter) => {
      if (shown.has(letter)) return 'keep';
      shown.add(letter);
      return page.add(letter) ? 'keep' : 'stop';
    });
    const { letters, next } = page;
    return { letters, ...(next === undefined ? {} : { next }), total, truncated: end === 'limit' };
  }

  /** The oldest dead letter of this id, or `undefined`. */
  async get(queue: string, id: string): Promise<DeadLetter | undefined> {
    let found: DeadLetter | undefined;
    await this.walk(queue, (letter) => {
      if (letter.id !== id) return 'keep';
      found = letter;
      return 'stop';
    });
    return found;
  }

  /**
   * Runs it anew: published with the same uuid, from attempt 1, its history kept; removed from the dead letters
   * once that is confirmed. A crash in between leaves both.
   *
   * @returns false when there is none of this id
   * @throws InvalidTaskError, TaskTooLargeError for arguments that do not fit, UnroutableTaskError and what else
   *   `publish` rejects with; the dead letter stays then
   */
  async replay(queue: string, id: string, options: ReplayOptions = {}): Promise<boolean> {
    let done = false;
    const sent = new Copies();
    await this.walk(queue, async (letter, message) => {
      if (sent.has(letter)) return 'remove';
      if (done || letter.id !== id) return 'keep';
      await this.send(queue, letter, message, options);
      sent.add(letter);
      done = true;
      return 'remove';
    });
    return done;
  }

  /** Replays all that fit, the oldest first. Those that die again meanwhile are not replayed once more. */
  async replayAll(queue: string, options: BulkOptions & Pick<ReplayOptions, 'to'> = {}): Promise<ReplaySummary> {
    const { limit = Infinity, to } = options;
    const fits = predicateOf(options.filter);
    const failed: { id: string; error: DispatcherError }[] = [];
    let replayed = 0;
    const sent = new Copies();
    const { end } = await this.walk(queue, async (letter, message) => {
      if (sent.has(letter)) return 'remove';
      if (replayed >= limit || !fits(letter)) return 'keep';
      try {
        await this.send(queue, letter, message, { to });
      } catch (error) {
        // The fault of this one alone; anything else would meet all of them.
        if (!(error instanceof InvalidTaskError)) throw error;
        if (failed.length < MOST_FAILURES) failed.push({ id: letter.id, error });
        return 'keep';
      }
      sent.add(letter);
      replayed++;
      return 'remove';
    });
    return { replayed, failed, truncated: end === 'limit' };
  }

  /** Removes it for good. False when there is none of this id. */
  async discard(queue: string, id: string): Promise<boolean> {
    return (await this.discardAll(queue, { filter: (letter) => letter.id === id, limit: 1 })) > 0;
  }

  /** Removes all that fit for good. Returns how many. */
  async discardAll(queue: string, { filter, limit = Infinity }: BulkOptions = {}): Promise<number> {
    const fits = predicateOf(filter);
    let discarded = 0;
    const gone = new Copies();
    await this.walk(queue, (letter) => {
      if (gone.has(letter)) return 'remove';
      if (discarded >= limit || !fits(letter)) return 'keep';
      gone.add(letter);
      discarded++;
      return 'remove';
    });
    return discarded;
  }

  /**
   * Applies bounds: removes for good what is too old, and the oldest of what is too many. Nothing is ever trimmed
   * without this call: run it from a schedule of yours. Returns how many were removed.
   *
   * @throws InvalidTaskError when neither bound is given, or one is no number from 0
   */
  async trim(queue: string, { maxCount, maxAgeSeconds }: DeadLetterBounds): Promise<number> {
    for (const [name, value] of Object.entries({ maxCount, maxAgeSeconds })) {
      if (value !== undefined && !(value >= 0)) throw new InvalidTaskError(`${name} must be a number, 0 or more; found ${display(value)}.`, { [name]: value });
    }
    if (maxCount === undefined && maxAgeSeconds === undefined) throw new InvalidTaskError('trim needs maxCount, maxAgeSeconds or both; found neither.');
    const excess = maxCount === undefined ? 0 : (await this.depth(queue)) - maxCount;
    const oldest = maxAgeSeconds === undefined ? -Infinity : this.dependencies.now() - maxAgeSeconds * 1000;
    return this.discardAll(queue, { filter: ({ position, at }) => position < excess || (at !== undefined && at.getTime() < oldest) });
  }

  private async depth(queue: string): Promise<number> {
    await this.dependencies.ready();
    return (await this.dependencies.broker.depth(deadLetterQueueOf(queue))) ?? 0;
  }

  private async walk(queue: string, visit: (letter: DeadLetter, message: BrowsedMessage) => BrowseAnswer | Promise<BrowseAnswer>): Promise<BrowseResult> {
    const { broker } = this.dependencies;
    await this.dependencies.ready();
    return broker.browse(deadLetterQueueOf(queue), (message, position) => visit(readDeadLetter(message, position, queue, this.dependencies), message));
  }

  /** Of the queues beside the work queue, to the one that it died in: it keeps its level. */
  private async send(queue: string, letter: DeadLetter, message: BrowsedMessage, { args, to }: ReplayOptions): Promise<void> {
    const { broker, format, maxTaskBytes } = this.dependencies;
    const replay = replayMessage(letter, message, args, format, maxTaskBytes);
    if (to !== undefined || !isLineOf(queue, letter.queue)) return broker.publish(replay, to ?? { queue });
    try {
      await broker.publish(replay, { queue: letter.queue });
    } catch (error) {
      if (!(error instanceof UnroutableTaskError)) throw error;
      await broker.publish(replay, { queue });
    }
  }
}
