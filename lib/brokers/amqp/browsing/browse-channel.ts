import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib';
import { BrokerError, BrokerUnavailableError, type DispatcherError } from '../../../errors.js';
import { answered, type ChannelClosure, closeChannel, openChannel, withChannel } from '../../../amqp/open-channel.js';
import { clock } from '../../../time/clock.js';
import { declarationFailure } from '../topology/declaration-failure.js';

const CLOSE_LIMIT_MS = 5_000;
/** How long nothing may come before the server is asked whether there is anything. */
const LOOK_MS = 50;
/** How long nothing may come although something waits. */
const STARVED_MS = 2_000;
/** What one consumer takes, in messages and in bytes: as much lies here unseen. */
const FIRST_BATCH = 64;
const LARGEST_BATCH = 2_000;
const BATCH_BYTES = 8 * 1024 * 1024;
/** A quorum queue keeps its consumers in a map that is sorted only while it is small (32 in Erlang). */
const MOST_HOLDING = 30;

/**
 * The messages of a queue in order, each held until it is removed or the channel is closed, which gives
 * back in the old order on classic and quorum queues alike. What a quorum queue puts in order is
 * what each consumer holds, then the consumers by their tags, and those only while they are few. Hence
 * consumers of ever larger batches, one after the other with rising tags, each cancelled when it has its
 * batch so that a removal lets no later message slip in. `basic.get` would be one consumer for each message.
 */
export class BrowseChannel {
  private channel!: Channel;
  private readonly ahead: ConsumeMessage[] = [];
  /** What each consumer, by its tag, still holds. */
  private readonly holding = new Map<string, number>();
  private consumers = 0;
  private last: ConsumeMessage | undefined;
  private received = 0;
  private receivedBytes = 0;
  private failure: DispatcherError | undefined;
  private wake: (() => void) | undefined;

  private constructor(private readonly queue: string) {}

  static async open(model: ChannelModel, queue: string): Promise<BrowseChannel> {
    const opened = new BrowseChannel(queue);
    opened.channel = await opened.connected(() => openChannel(model, { closed: (closure) => opened.closed(closure), warning: () => undefined }));
    return opened;
  }

  /**
   * @param left how many there are at most
   * @returns `undefined` where there is none; `full` where no more can be held, or none comes
   */
  async next(left: number): Promise<ConsumeMessage | 'full' | undefined> {
    if (this.ahead.length === 0) {
      if (this.holding.size >= MOST_HOLDING) return 'full';
      const isAll = await this.takeBatch(Math.min(left, this.batch()));
      if (this.ahead.length === 0) return isAll ? undefined : 'full';
    }
    this.last = this.ahead.shift();
    return this.last;
  }

  /** What is held already and comes next. */
  get unseen(): readonly ConsumeMessage[] {
    return this.ahead;
  }

  async remove(message: ConsumeMessage): Promise<void> {
    await this.connected(async () => this.channel.ack(message));
    const { consumerTag } = message.fields;
    const left = (this.holding.get(consumerTag) ?? 1) - 1;
    if (left === 0) this.holding.delete(consumerTag);
    else this.holding.set(consumerTag, left);
  }

  /** The next ones, as many as are taken at a time; none where none comes. */
  async nextBatch(left: number): Promise<ConsumeMessage[]> {
    await this.takeBatch(Math.min(left, this.batch()));
    this.last = this.ahead.at(-1);
    return this.ahead.splice(0);
  }

  /** Removes everything that was taken, up to this one. */
  async removeThrough(last: ConsumeMessage): Promise<void> {
    await this.connected(async () => this.channel.ack(last, true));
    this.holding.clear();
  }

  /**
   * Resolves when every removal is certain. A quorum queue takes acknowledgements in its own time, and
   * forgets those that still wait in a channel which closes. A new consumer goes through the queue's log
   * behind all that was sent, so after it what waited is sent, and after its end that too has been taken.
   */
  async certain(): Promise<void> {
    await this.connected(async () => {
      const tag = this.nextTag();
      await answered(this.channel.prefetch(1), 'basic.qos');
      await answered(this.channel.consume(this.queue, (message) => this.arrived(message), { consumerTag: tag }), 'basic.consume');
      await answered(this.channel.cancel(tag), 'basic.cancel');
      await answered(this.channel.checkQueue(this.queue), 'queue.declare');
    });
  }

  /**
   * A quorum queue has a line of its own for what came back, before the line of what is new; what is given
   * back goes to its end. So whatever of an earlier walk is still in it must be held too, and given back
   * behind the rest of this one. Never rejects.
   *
   * @returns how many more are held
   */
  async takeReturned(): Promise<number> {
    let taken = this.ahead.length;
    let last = this.ahead.at(-1) ?? this.last;
    this.ahead.length = 0;
    try {
      while (last !== undefined && cameBack(last) && this.failure === undefined) {
        const message = await this.next(this.batch());
        if (message === undefined || message === 'full') break;
        taken += 1 + this.ahead.length;
        last = this.ahead.at(-1) ?? message;
        this.ahead.length = 0;
      }
    } catch {
      // With its channel everything has gone back already.
    }
    return taken;
  }

  close(): Promise<void> {
    return closeChannel(this.channel, CLOSE_LIMIT_MS);
  }

  /** False when fewer came although something waits. */
  private async takeBatch(size: number): Promise<boolean> {
    const tag = this.nextTag();
    await this.connected(async () => {
      await answered(this.channel.prefetch(size), 'basic.qos');
      await answered(this.channel.consume(this.queue, (message) => this.arrived(message), { consumerTag: tag }), 'basic.consume');
    });
    const isAll = await this.untilArrived(size);
    await this.connected(() => answered(this.channel.cancel(tag), 'basic.cancel'));
    if (this.failure !== undefined) throw this.failure;
    return isAll;
  }

  private async untilArrived(size: number): Promise<boolean> {
    let deadline = clock.elapsed() + STARVED_MS;
    while (this.ahead.length < size && this.failure === undefined) {
      if (await this.arrival()) {
        deadline = clock.elapsed() + STARVED_MS;
        continue;
      }
      const { messageCount } = await this.connected(() => answered(this.channel.checkQueue(this.queue), 'queue.declare'));
      // Others took the rest.
      if (messageCount === 0) return true;
      if (clock.elapsed() > deadline) return false;
    }
    return true;
  }

  private nextTag(): string {
    return `dispatcher-browse-${String(this.consumers++).padStart(6, '0')}`;
  }

  private batch(): number {
    if (this.received === 0) return FIRST_BATCH;
    const mean = Math.max(1, this.receivedBytes / this.received);
    return Math.max(1, Math.min(LARGEST_BATCH, this.received, Math.floor(BATCH_BYTES / mean)));
  }

  /** Must not throw, see `ConsumerChannel`. */
  private arrived(message: ConsumeMessage | null): void {
    if (message === null) {
      this.fail(new BrokerError('ERR_DISPATCHER_NOT_FOUND', `Queue "${this.queue}" was deleted while it was browsed.`, { queue: this.queue }));
      return;
    }
    const { consumerTag } = message.fields;
    this.holding.set(consumerTag, (this.holding.get(consumerTag) ?? 0) + 1);
    this.received++;
    this.receivedBytes += message.content.length;
    this.ahead.push(message);
    this.wake?.();
  }

  /** False when nothing came for a while. */
  private arrival(): Promise<boolean> {
    return new Promise((resolve) => {
      const done = (came: boolean): void => {
        clock.clear(timer);
        this.wake = undefined;
        resolve(came);
      };
      const timer = clock.setTimeout(() => done(false), LOOK_MS);
      this.wake = () => done(true);
    });
  }

  private closed({ code, text }: ChannelClosure): void {
    this.fail(code === undefined ? lost(this.queue, text) : declarationFailure(Object.assign(new Error(text), { code }), `queue "${this.queue}"`));
  }

  private fail(error: DispatcherError): void {
    this.failure ??= error;
    this.wake?.();
  }

  private async connected<T>(use: () => Promise<T>): Promise<T> {
    try {
      return await use();
    } catch (error) {
      if (typeof (error as { code?: unknown }).code === 'number') throw declarationFailure(error, `queue "${this.queue}"`);
      throw this.failure ?? lost(this.queue, (error as Error).message);
    }
  }
}

/** Quorum queues count; the second name is that of RabbitMQ 4.3. */
function cameBack({ properties }: ConsumeMessage): boolean {
  const { headers } = properties;
  return Number(headers?.['x-delivery-count'] ?? 0) > 0 || Number(headers?.['x-acquired-count'] ?? 0) > 0;
}

/** What the server says of a queue, on a channel of its own. */
export async function queueCounts(model: ChannelModel, queue: string): Promise<{ messageCount: number; consumerCount: number }> {
  try {
    return await withChannel(model, (channel) => channel.checkQueue(queue));
  } catch (error) {
    if (typeof (error as { code?: unknown }).code === 'number') throw declarationFailure(error, `queue "${queue}"`);
    throw lost(queue, (error as Error).message);
  }
}

function lost(queue: string, why: string): BrokerUnavailableError {
  return new BrokerUnavailableError(`The connection was lost while queue "${queue}" was browsed: ${why}. What was kept goes back to it; try again.`, { queue });
}
