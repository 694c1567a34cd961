import type { Channel, ChannelModel, ConfirmChannel, ConsumeMessage, Options } from 'amqplib';
import { answered, type ChannelListener, openChannel, openConfirmChannel } from '../../amqp/open-channel.js';
import type { FoundLedgerQueues } from './ledger-queues.js';

export interface KeeperChannelListener {
  /** A record. */
  delivered(message: ConsumeMessage): void;
  requested(message: ConsumeMessage): void;
  /** Called once; nothing else follows. */
  lost(error: Error): void;
  warning(message: string): void;
}

/** 16 bits on the wire. */
const MOST_UNACKNOWLEDGED = 65_535;

/**
 * The channels of a keeper. What it writes and what it answers go through the one that the records come
 * by: none of it reaches anybody once the server has closed that one and given the ledger to another.
 * Requests come by one of their own, because an acknowledgement costs the server a walk through all that
 * is unacknowledged before it on the same channel, and on that of the records this is the whole state.
 */
export class KeeperChannel {
  private ended = false;
  private channel!: ConfirmChannel;
  private requests!: Channel;

  private constructor(private readonly queues: FoundLedgerQueues, private readonly listener: KeeperChannelListener) {}

  static async open(model: ChannelModel, queues: FoundLedgerQueues, listener: KeeperChannelListener): Promise<KeeperChannel> {
    const opened = new KeeperChannel(queues, listener);
    // One may go while the other is being opened.
    const ear: ChannelListener = { closed: ({ text }) => opened.fail(new Error(text)), warning: (message) => listener.warning(message) };
    opened.channel = await openConfirmChannel(model, ear);
    opened.requests = await openChannel(model, ear);
    opened.channel.on('return', () => opened.fail(new Error(`the queue "${queues.records}" is gone`)));
    return opened;
  }

  /** Every record, without a limit: what is not acknowledged is what is kept. A quorum queue takes "without" for 2,000. */
  async consumeRecords(): Promise<void> {
    if (this.queues.type === 'quorum') await answered(this.channel.prefetch(MOST_UNACKNOWLEDGED), 'basic.qos');
    return this.consume(this.channel, this.queues.records, (message) => this.listener.delivered(message));
  }

  consumeRequests(): Promise<void> {
    return this.consume(this.requests, this.queues.requests, (message) => this.listener.requested(message));
  }

  /** To the records. `onConfirm` is called when the server has it for good. */
  write(body: Buffer, options: Options.Publish, onConfirm: () => void): void {
    this.act(() => this.channel.publish('', this.queues.records, body, { ...options, mandatory: true }, (error: unknown) => {
      if (this.ended) return;
      if (error === null || error === undefined) onConfirm();
      else this.fail(new Error(`the server refused a record of the queue "${this.queues.records}"`));
    }));
  }

  /** To whoever asked. Dropped by the server when nobody is there any more. */
  tell(address: string, body: Buffer, options: Options.Publish): void {
    this.act(() => this.channel.publish('', address, body, { ...options, persistent: false }));
  }

  acknowledge(deliveryTag: number): void {
    this.act(() => this.channel.ack({ fields: { deliveryTag } } as ConsumeMessage));
  }

  acknowledgeRequest(deliveryTag: number): void {
    this.act(() => this.requests.ack({ fields: { deliveryTag } } as ConsumeMessage));
  }

  /** Nothing is delivered, written or told from here on. */
  end(): void {
    this.ended = true;
  }

  /** Ends it in good order: what was written before is still sent. Never rejects; may never settle, as amqplib's. */
  async close(): Promise<void> {
    this.ended = true;
    await this.requests.close().catch(() => undefined);
    await this.channel.close().catch(() => undefined);
  }

  fail(error: Error): void {
    if (this.ended) return;
    this.ended = true;
    this.listener.lost(error);
  }

  private async consume(channel: Channel, queue: string, deliver: (message: ConsumeMessage) => void): Promise<void> {
    const consuming = channel.consume(queue, (message) => {
      if (this.ended) return;
      // A throw in here would end the connection.
      try {
        if (message === null) throw new Error(`the server cancelled the consumer of "${queue}"`);
        deliver(message);
      } catch (error) {
        this.fail(error as Error);
      }
    });
    await answered(consuming, 'basic.consume');
  }

  private act(send: () => void): void {
    if (this.ended) return;
    try {
      send();
    } catch (error) {
      this.fail(error as Error);
    }
  }
}
