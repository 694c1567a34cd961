import type { Broker, BrowseAnswer, BrowsedMessage, BrowseResult } from '../brokers/broker.js';
import { DispatcherError, InvalidTaskError, UnroutableTaskError } from '../errors.js';
import type { Format } from '../formats/format.js';
import { deadLetterQueueOf } from '../task/dead-letter-queue.js';
import { requireText } from '../task/options.js';
import { isLineOf } from '../task/queue-lines.js';
import { undeliveredQueueOf } from '../task/undelivered.js';
import { Copies } from './copies.js';
import type { DeadLetter } from './dead-letter.js';
import { predicateOf } from './filter.js';
import { checkBounds, checkBulkOptions, checkListOptions, checkReplayAllOptions, checkReplayOptions, type BulkOptions, type DeadLetterBounds, type DeadLetterListOptions, type ReplayOptions } from './options.js';
import { decodeCursor, PageCollector } from './page-cursor.js';
import { readDeadLetter } from './read-dead-letter.js';
import { replayMessage } from './replay-message.js';

/** What one page may hold in bodies: a page of the largest tasks must not fill memory. */
const PAGE_BYTES = 32 * 1024 * 1024;
const DEFAULT_PAGE = 50;
/** What a bulk operation tells of single failures. */
const MOST_FAILURES = 100;

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
export interface DeadLetterCount {
  readonly count: number;
  /** See {@link DeadLetterPage.truncated}: there may be more. */
  readonly truncated: boolean;
}

/** @publicApi */
export interface ReplaySummary {
  readonly replayed: number;
  /** Those that could not be sent as they are; they stay. The first 100. */
  readonly failed: readonly { readonly id: string; readonly error: DispatcherError }[];
  /** See {@link DeadLetterPage.truncated}. */
  readonly truncated: boolean;
}

export interface DeadLettersDependencies {
  readonly broker: Broker;
  /** The main one. */
  readonly exchange: string;
  readonly format: Format;
  readonly maxTaskBytes: number;
  now(): number;
  /** Resolves when the broker can be used. */
  ready(): Promise<void>;
  /** Ends the task of what is discarded, if it has not ended: a broker may have put it aside by itself, and told nobody. */
  discarded(message: BrowsedMessage, queue: string): Promise<void> | undefined;
}

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
  constructor(private readonly dependencies: DeadLettersDependencies) {}

  /** One page, the oldest first. Others may remove dead letters meanwhile: none is skipped for it. */
  async list(queue: string, options?: DeadLetterListOptions): Promise<DeadLetterPage> {
    const { after, limit = DEFAULT_PAGE, filter } = checkListOptions(options);
    const page = new PageCollector(after === undefined ? undefined : decodeCursor(after), limit, PAGE_BYTES, predicateOf(filter, 'list'));
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
    checkId(id);
    let found: DeadLetter | undefined;
    await this.walk(queue, (letter) => {
      if (letter.id !== id) return 'keep';
      found = letter;
      return 'stop';
    });
    return found;
  }

  /** How many {@link replayAll} or {@link discardAll} would take with these options, copies of one counted once. Changes nothing. */
  async count(queue: string, options?: BulkOptions): Promise<DeadLetterCount> {
    const { filter, limit = Infinity } = checkBulkOptions(options, 'count');
    const fits = predicateOf(filter, 'count');
    const counted = new Copies();
    let count = 0;
    const { end } = await this.walk(queue, (letter) => {
      if (count >= limit) return 'stop';
      if (counted.has(letter)) return 'keep';
      counted.add(letter);
      if (fits(letter)) count++;
      return 'keep';
    });
    return { count, truncated: end === 'limit' };
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
    checkId(id);
    const checked = checkReplayOptions(options);
    let done = false;
    const sent = new Copies();
    await this.walk(queue, async (letter, message) => {
      if (sent.has(letter)) return 'remove';
      if (done || letter.id !== id) return 'keep';
      await this.send(queue, letter, message, checked);
      sent.add(letter);
      done = true;
      return 'remove';
    });
    return done;
  }

  /** Replays all that fit, the oldest first. Those that die again meanwhile are not replayed once more. */
  async replayAll(queue: string, options?: BulkOptions & Pick<ReplayOptions, 'to'>): Promise<ReplaySummary> {
    const { filter, limit = Infinity, to } = checkReplayAllOptions(options);
    const failed: { id: string; error: DispatcherError }[] = [];
    let replayed = 0;
    const fits = predicateOf(filter, 'replayAll', () => ({ replayed }));
    const sent = new Copies();
    const { end } = await this.walk(queue, async (letter, message) => {
      if (sent.has(letter)) return 'remove';
      if (replayed >= limit || !fits(letter)) return 'keep';
      try {
        await this.send(queue, letter, message, { to });
      } catch (error) {
        // The fault of this one alone; anything else would meet all of them. The undelivered have each a place of its own to go to.
        const isItsOwn = error instanceof InvalidTaskError || (error instanceof UnroutableTaskError && to === undefined && this.isUndelivered(queue));
        if (!isItsOwn) throw error;
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
    checkId(id);
    return (await this.discardWhere(queue, (letter) => letter.id === id, 1)) > 0;
  }

  /** Removes all that fit for good. Returns how many. */
  async discardAll(queue: string, options?: BulkOptions): Promise<number> {
    const { filter, limit = Infinity } = checkBulkOptions(options);
    let discarded = 0;
    const fits = predicateOf(filter, 'discardAll', () => ({ discarded }));
    return this.discardWhere(queue, fits, limit, () => { discarded++; });
  }

  /**
   * Applies bounds: removes for good what is too old, and the oldest of what is too many. Nothing is ever trimmed
   * without this call: run it from a schedule of yours. Returns how many were removed.
   *
   * @throws InvalidTaskError when neither bound is given, or one is no number from 0
   */
  async trim(queue: string, bounds: DeadLetterBounds): Promise<number> {
    const { maxCount, maxAgeSeconds } = checkBounds(bounds);
    if (maxCount === undefined && maxAgeSeconds === undefined) throw new InvalidTaskError('trim needs maxCount, maxAgeSeconds or both; found neither.');
    const excess = maxCount === undefined ? 0 : (await this.depth(queue)) - maxCount;
    const oldest = maxAgeSeconds === undefined ? -Infinity : this.dependencies.now() - maxAgeSeconds * 1000;
    return this.discardWhere(queue, ({ position, at }) => position < excess || (at !== undefined && at.getTime() < oldest), Infinity);
  }

  private async discardWhere(queue: string, fits: (letter: DeadLetter) => boolean, limit: number, onDiscard?: () => void): Promise<number> {
    let discarded = 0;
    const gone = new Copies();
    await this.walk(queue, async (letter, message) => {
      if (gone.has(letter)) return 'remove';
      if (discarded >= limit || !fits(letter)) return 'keep';
      await this.dependencies.discarded(message, letter.queue);
      gone.add(letter);
      discarded++;
      onDiscard?.();
      return 'remove';
    });
    return discarded;
  }

  private async depth(queue: string): Promise<number> {
    checkQueue(queue);
    await this.dependencies.ready();
    return (await this.dependencies.broker.depth(this.queueOf(queue))) ?? 0;
  }

  private async walk(queue: string, visit: (letter: DeadLetter, message: BrowsedMessage) => BrowseAnswer | Promise<BrowseAnswer>): Promise<BrowseResult> {
    const { broker } = this.dependencies;
    checkQueue(queue);
    await this.dependencies.ready();
    return broker.browse(this.queueOf(queue), (message, position) => visit(readDeadLetter(message, position, queue, this.dependencies), message));
  }

  private queueOf(queue: string): string {
    return this.isUndelivered(queue) ? queue : deadLetterQueueOf(queue);
  }

  private isUndelivered(queue: string): boolean {
    return queue === undeliveredQueueOf(this.dependencies.exchange);
  }

  /** Of the queues beside the work queue, to the one that it died in: it keeps its level. */
  private async send(queue: string, letter: DeadLetter, message: BrowsedMessage, { args, to }: ReplayOptions): Promise<void> {
    const { broker, format, maxTaskBytes } = this.dependencies;
    const replay = replayMessage(letter, message, args, format, maxTaskBytes);
    if (to === undefined && this.isUndelivered(queue)) {
      return broker.publish(replay, letter.queue === queue ? { routingKey: letter.routingKey } : { queue: letter.queue });
    }
    if (to !== undefined || !isLineOf(queue, letter.queue)) return broker.publish(replay, to ?? { queue });
    try {
      await broker.publish(replay, { queue: letter.queue });
    } catch (error) {
      if (!(error instanceof UnroutableTaskError)) throw error;
      await broker.publish(replay, { queue });
    }
  }
}

function checkQueue(queue: unknown): void {
  requireText(queue, 'The queue of the dead letters, the work queue\'s name,', InvalidTaskError);
}

function checkId(id: unknown): void {
  requireText(id, 'The id of a dead letter', InvalidTaskError);
}
