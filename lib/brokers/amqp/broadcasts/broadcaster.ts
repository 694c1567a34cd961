import type { ChannelModel, ConfirmChannel } from 'amqplib';
import { BrokerUnavailableError, PublishBufferFullError } from '../../../errors.js';
import { type ChannelClosure, closeChannel, openConfirmChannel } from '../../../amqp/open-channel.js';
import { within } from '../../../time/within.js';
import { declareOwnExchange, exchangeFailure } from '../signals/own-exchange.js';

const CLOSE_LIMIT_MS = 2_000;
const CONFIRM_LIMIT_MS = 5_000;
const MOST_WAITING_BYTES = 16 * 1024 * 1024;
/** What a message costs beside its body. */
const OVERHEAD_BYTES = 256;

interface OpenChannel {
  readonly model: ChannelModel;
  readonly channel: Promise<ConfirmChannel>;
  closure: ChannelClosure | undefined;
}

/** Sends broadcasts on a channel of its own, which is opened with the first of them on each connection. */
export class Broadcaster {
  private current: OpenChannel | undefined;
  private waitingBytes = 0;

  /** @param ready the connection; at once or not at all */
  constructor(private readonly exchange: string, private readonly ready: () => ChannelModel) {}

  async send(topic: string, message: Buffer): Promise<void> {
    const bytes = message.length + OVERHEAD_BYTES;
    if (this.waitingBytes + bytes > MOST_WAITING_BYTES) throw tooMany(this.waitingBytes);
    // Until it is known what became of it, whoever has stopped waiting: so long it may be in a buffer of the connection.
    this.waitingBytes += bytes;
    const sending = this.confirmed(topic, message).finally(() => { this.waitingBytes -= bytes; });
    if (await within(CONFIRM_LIMIT_MS, sending.then(() => true)) === undefined) throw new BrokerUnavailableError(`The broker did not confirm a broadcast within ${CONFIRM_LIMIT_MS / 1000} s.`, { topic });
  }

  async close(): Promise<void> {
    const channel = await within(CLOSE_LIMIT_MS, this.current?.channel.catch(() => undefined) ?? Promise.resolve(undefined));
    if (channel !== undefined) await closeChannel(channel, CLOSE_LIMIT_MS);
  }

  private async confirmed(topic: string, message: Buffer): Promise<void> {
    const open = this.channelOn(this.ready());
    try {
      const channel = await open.channel;
      await new Promise<void>((resolve, reject) => {
        channel.publish(this.exchange, topic, message, { deliveryMode: 1 }, (error: Error | null | undefined) => (error === null || error === undefined ? resolve() : reject(error)));
      });
    } catch (error) {
      if (this.current === open) this.current = undefined;
      // In its own turn the server's reason is known.
      await new Promise(setImmediate);
      throw exchangeFailure(open.closure === undefined ? error : Object.assign(new Error(open.closure.text), { code: open.closure.code }), this.exchange);
    }
  }

  private channelOn(model: ChannelModel): OpenChannel {
    if (this.current?.model === model) return this.current;
    const open: OpenChannel = { model, closure: undefined, channel: this.openOn(model, (closure) => {
      open.closure = closure;
      if (this.current === open) this.current = undefined;
    }) };
    this.current = open;
    return open;
  }

  private async openOn(model: ChannelModel, closed: (closure: ChannelClosure) => void): Promise<ConfirmChannel> {
    await declareOwnExchange(model, this.exchange, 'direct');
    return openConfirmChannel(model, { closed, warning: () => undefined });
  }
}

function tooMany(waitingBytes: number): PublishBufferFullError {
  return new PublishBufferFullError(`${waitingBytes} bytes of broadcasts are on their way to the broker, and no more are taken on top of them. Send fewer.`, { waitingBytes, limitBytes: MOST_WAITING_BYTES });
}
