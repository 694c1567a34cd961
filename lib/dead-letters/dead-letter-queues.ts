import type { Broker, BrowseAnswer, BrowsedMessage, BrowseResult } from '../brokers/broker.js';
import { DispatcherError, InvalidTaskError, UnroutableTaskError } from '../errors.js';
import type { Format } from '../formats/format.js';
import { deadLetterQueueOf } from '../task/dead-letter-queue.js';
import { display } from '../task/argument-types.js';
import { messageOf } from '../task/error-text.js';
import { requireText } from '../task/options.js';
import { isLineOf } from '../task/queue-lines.js';
import { undeliveredQueueOf } from '../task/undelivered.js';
import { Copies } from './copies.js';
import type { DeadLetter } from './dead-letter.js';
import { predicateOf } from './filter.js';
import { checkBounds, checkBulkOptions, checkListOptions, checkReplayAllOptions, checkReplayOptions, type BulkOptions, type DeadLetterBounds, type DeadLetterListOptions, type ReplayAllOptions, type ReplayOptions } from './options.js';
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

export interface DeadLetterQueuesDependencies {
  readonly broker: Broker;
  /** The main one. */
  readonly exchange: string;
  readonly format: Format;
  readonly maxTaskBytes: number;
  now(): number;
  /** Resolves when the broker can be used. */
  ready(): Promise<void>;
  /** Gets a body that is kept elsewhere. `undefined`: the message has its own. Default: all have. */
  fetch?(message: BrowsedMessage): Promise<void> | undefined;
  /** Ends the task of what is discarded, if it has not ended: a broker may have put it aside by itself, and told nobody. */
  discarded(message: BrowsedMessage, queue: string): Promise<void> | undefined;
}

/** What was taken away. */
export interface DiscardSummary {
  readonly discarded: number;
  /** See {@link DeadLetterPage.truncated}. */
  readonly truncated: boolean;
}

/** What {@link DeadLetters} does, untold. */
export class DeadLetterQueues {
  constructor(private readonly dependencies: DeadLetterQueuesDependencies) {}

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

  async get(queue: string, id: string): Promise<DeadLetter | undefined> {
    checkId(id);
    let found: DeadLetter | undefined;
    await this.walk(queue, async (letter, message) => {
      if (letter.id !== id) return 'keep';
      found = await this.whole(queue, letter, message);
      return 'stop';
    });
    return found;
  }

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

  async replayAll(queue: string, options?: ReplayAllOptions): Promise<ReplaySummary> {
    const { filter, limit = Infinity, to, edit } = checkReplayAllOptions(options);
    const failed: { id: string; error: DispatcherError }[] = [];
    let replayed = 0;
    const fits = predicateOf(filter, 'replayAll', () => ({ replayed }));
    const sent = new Copies();
    const { end } = await this.walk(queue, async (letter, message) => {
      if (sent.has(letter)) return 'remove';
      if (replayed >= limit || !fits(letter)) return 'keep';
      try {
        await this.send(queue, letter, message, { to, args: edit === undefined ? undefined : editedBy(edit, letter) });
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

  async discard(queue: string, id: string): Promise<boolean> {
    checkId(id);
    return (await this.discardWhere(queue, (letter) => letter.id === id, 1)).discarded > 0;
  }

  async discardAll(queue: string, options?: BulkOptions): Promise<DiscardSummary> {
    const { filter, limit = Infinity } = checkBulkOptions(options);
    let discarded = 0;
    const fits = predicateOf(filter, 'discardAll', () => ({ discarded }));
    return this.discardWhere(queue, fits, limit, () => { discarded++; });
  }

  async trim(queue: string, bounds: DeadLetterBounds): Promise<number> {
    const { maxCount, maxAgeSeconds } = checkBounds(bounds);
    if (maxCount === undefined && maxAgeSeconds === undefined) throw new InvalidTaskError('trim needs maxCount, maxAgeSeconds or both; found neither.');
    const excess = maxCount === undefined ? 0 : (await this.depth(queue)) - maxCount;
    const oldest = maxAgeSeconds === undefined ? -Infinity : this.dependencies.now() - maxAgeSeconds * 1000;
    const { discarded } = await this.discardWhere(queue, ({ position, at }) => position < excess || (at !== undefined && at.getTime() < oldest), Infinity);
    return discarded;
  }

  private async discardWhere(queue: string, fits: (letter: DeadLetter) => boolean, limit: number, onDiscard?: () => void): Promise<DiscardSummary> {
    let discarded = 0;
    const gone = new Copies();
    const { end } = await this.walk(queue, async (letter, message) => {
      if (gone.has(letter)) return 'remove';
      if (discarded >= limit || !fits(letter)) return 'keep';
      await this.dependencies.discarded(message, letter.queue);
      gone.add(letter);
      discarded++;
      onDiscard?.();
      return 'remove';
    });
    return { discarded, truncated: end === 'limit' };
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

  /** With a body that is kept elsewhere, for whoever looks at this one. Where it cannot be had, it says why it has none. */
  private async whole(queue: string, letter: DeadLetter, message: BrowsedMessage): Promise<DeadLetter> {
    const fetching = this.dependencies.fetch?.(message);
    if (fetching === undefined) return letter;
    try {
      await fetching;
    } catch (error) {
      return { ...letter, problem: `The body is in a claim store, and cannot be had: ${messageOf(error)}` };
    }
    return readDeadLetter(message, letter.position, queue, this.dependencies);
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
    if (args !== undefined) await this.dependencies.fetch?.(message);
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

/** A mistake in it is the fault of this dead letter alone. @throws InvalidTaskError */
function editedBy(edit: NonNullable<ReplayAllOptions['edit']>, letter: DeadLetter): ReplayOptions['args'] {
  try {
    const args: unknown = edit(letter);
    if (args === undefined || Array.isArray(args)) return args;
    throw new InvalidTaskError(`edit of replayAll must return a list of { type, value }, or undefined; for dead letter ${letter.id} it returned ${display(args)}.`, { id: letter.id });
  } catch (error) {
    if (error instanceof InvalidTaskError) throw error;
    throw new InvalidTaskError(`edit of replayAll failed at dead letter ${letter.id}: ${messageOf(error)}`, { id: letter.id }, error);
  }
}

function checkId(id: unknown): void {
  requireText(id, 'The id of a dead letter', InvalidTaskError);
}
