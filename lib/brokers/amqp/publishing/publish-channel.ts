import { type ChannelModel, type ConfirmChannel, IllegalOperationError } from 'amqplib';
import { type ChannelClosure, closeChannel, openConfirmChannel } from '../../../amqp/open-channel.js';
import { ConfirmWindow } from './confirm-window.js';
import { FrameBatch } from './frame-batch.js';
import type { Outgoing } from './outgoing.js';

export interface PublishChannelListener {
  confirmed(outgoing: Outgoing, acked: boolean): void;
  /** All confirms of one frame have been told. */
  confirmsTold(): void;
  closed(channel: PublishChannel, closure: ChannelClosure): void;
  warning(message: string): void;
}

/** amqplib's own step below `publish`; it takes fields and properties as they are. */
interface RawChannel {
  sendMessage?(fields: object, properties: object, content: Buffer): boolean;
}

interface Confirm {
  deliveryTag: number;
  multiple: boolean;
}

/** One confirm channel, from open to closed, with what is unconfirmed on it. */
export class PublishChannel {
  readonly window: ConfirmWindow;
  private readonly raw: RawChannel | undefined;
  private readonly batch: FrameBatch | undefined;

  private constructor(
    private readonly channel: ConfirmChannel,
    windowSize: number,
    private readonly listener: PublishChannelListener,
  ) {
    this.window = new ConfirmWindow(windowSize, (outgoing, acked) => listener.confirmed(outgoing, acked));
    const raw = channel as unknown as RawChannel;
    this.raw = typeof raw.sendMessage === 'function' ? raw : undefined;
    this.batch = this.raw && FrameBatch.of(channel);
    // amqplib's own list of callbacks stays unused, so its listeners are work for nothing.
    if (this.raw !== undefined) channel.removeAllListeners('ack').removeAllListeners('nack');
    channel.on('ack', (confirm: Confirm) => this.onConfirm(confirm, true));
    channel.on('nack', (confirm: Confirm) => this.onConfirm(confirm, false));
    channel.on('return', (message) => {
      const { exchange, routingKey } = message.fields;
      const returned = this.window.findReturned(message.properties.messageId as string | undefined, exchange, routingKey);
      if (returned !== undefined) returned.returned = true;
    });
  }

  static async open(model: ChannelModel, windowSize: number, listener: PublishChannelListener): Promise<PublishChannel> {
    const holder: { opened?: PublishChannel } = {};
    let closure: ChannelClosure | undefined;
    const channel = await openConfirmChannel(model, {
      closed: (why) => {
        closure = why;
        if (holder.opened !== undefined) listener.closed(holder.opened, why);
      },
      warning: (message) => listener.warning(message),
    });
    if (closure !== undefined) throw new Error(closure.text);
    holder.opened = new PublishChannel(channel, windowSize, listener);
    return holder.opened;
  }

  /**
   * `sent`; `gone` when the channel is closed already; or the error of a message that cannot be
   * encoded, of which no byte went out and no sequence number was used.
   */
  send(outgoing: Outgoing): 'sent' | 'gone' | Error {
    outgoing.returned = false;
    if (this.batch?.add(outgoing) !== true) {
      const outcome = this.sendSlowly(outgoing);
      if (outcome !== 'sent') return outcome;
    }
    outgoing.sent = true;
    this.window.add(outgoing);
    return 'sent';
  }

  close(limitMs: number): Promise<void> {
    this.batch?.flush();
    return closeChannel(this.channel, limitMs);
  }

  private sendSlowly(outgoing: Outgoing): 'sent' | 'gone' | Error {
    try {
      if (this.batch !== undefined) return this.batch.send(outgoing);
      this.channel.publish(outgoing.exchange, outgoing.routingKey, outgoing.body, outgoing);
      return 'sent';
    } catch (error) {
      return error instanceof IllegalOperationError || !(error instanceof Error) ? 'gone' : error;
    }
  }

  private onConfirm(confirm: Confirm, acked: boolean): void {
    this.window.confirm(confirm.deliveryTag, confirm.multiple, acked);
    this.listener.confirmsTold();
  }
}
