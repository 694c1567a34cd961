import type { ChannelModel, ConfirmChannel, ConsumeMessage, Options } from 'amqplib';

export interface KeeperChannelListener {
  delivered(message: ConsumeMessage): void;
  /** Called once; nothing else follows. */
  lost(error: Error): void;
}

/**
 * The one channel of a keeper: what it writes, acknowledges and answers reaches the server in that
 * order, and none of it once the server has closed the channel and given the queue to another.
 */
export class KeeperChannel {
  private ended = false;

  private constructor(private readonly channel: ConfirmChannel, private readonly queue: string, private readonly listener: KeeperChannelListener) {}

  static async open(model: ChannelModel, queue: string, listener: KeeperChannelListener): Promise<KeeperChannel> {
    const channel = await model.createConfirmChannel();
    const opened = new KeeperChannel(channel, queue, listener);
    let first: Error | undefined;
    channel.on('error', (error: Error) => { first ??= error; });
    channel.on('close', () => opened.fail(first ?? new Error('the channel was closed')));
    channel.on('return', () => opened.fail(new Error(`the queue "${queue}" is gone`)));
    return opened;
  }

  /** Every delivery, without a limit: what is not acknowledged is what is kept. */
  async consume(): Promise<void> {
    await this.channel.consume(this.queue, (message) => {
      if (this.ended) return;
      // A throw in here would end the connection.
      try {
        if (message === null) throw new Error(`the server cancelled the consumer of "${this.queue}"`);
        this.listener.delivered(message);
      } catch (error) {
        this.fail(error as Error);
      }
    });
  }

  /** To the queue itself. `onConfirm` is called when the server has it for good. */
  write(body: Buffer, options: Options.Publish, onConfirm: () => void): void {
    this.act(() => this.channel.publish('', this.queue, body, { ...options, mandatory: true }, (error: unknown) => {
      if (this.ended) return;
      if (error === null || error === undefined) onConfirm();
      else this.fail(new Error(`the server refused a record of the queue "${this.queue}"`));
    }));
  }

  /** To whoever asked. Dropped by the server when nobody is there any more. */
  tell(address: string, body: Buffer, options: Options.Publish): void {
    this.act(() => this.channel.publish('', address, body, { ...options, persistent: false }));
  }

  acknowledge(deliveryTag: number): void {
    this.act(() => this.channel.ack({ fields: { deliveryTag } } as ConsumeMessage));
  }

  /** Nothing is delivered, written or told from here on. */
  end(): void {
    this.ended = true;
  }

  /** Ends it in good order: what was written before is still sent. Never rejects; may never settle, as amqplib's. */
  async close(): Promise<void> {
    this.ended = true;
    await this.channel.close().catch(() => undefined);
  }

  fail(error: Error): void {
    if (this.ended) return;
    this.ended = true;
    this.listener.lost(error);
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
