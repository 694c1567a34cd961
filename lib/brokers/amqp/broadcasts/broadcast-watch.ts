import type { Channel, ConsumeMessage } from 'amqplib';
import { answered } from '../../../amqp/open-channel.js';
import { CLASSIC } from '../../../amqp/queue-forms.js';
import { clock, type ClockTimer } from '../../../time/clock.js';
import type { SignalSubscription } from '../../broker.js';
import { declareOwnExchange, exchangeFailure } from '../signals/own-exchange.js';
import { KeptChannel, type KeptChannelHost } from '../signals/kept-channel.js';

/** How many the server hands over before the first of them is done with. */
const PREFETCH = 16;
/** Between two such handfuls: what floods the queue must not keep the process from its tasks. */
const PACE_MS = 5;
/** What is too much for the queue, or too old for anybody to care, the server drops; the newest stays. */
const QUEUE = { ...CLASSIC, 'x-max-length': 2_000, 'x-max-length-bytes': 64 * 1024 * 1024, 'x-overflow': 'drop-head', 'x-message-ttl': 10_000 } as const;

export interface BroadcastWatchHost extends KeptChannelHost {
  /** A listener threw. */
  failed(error: unknown): void;
  ended(watch: BroadcastWatch): void;
}

/** A queue that goes with its connection, bound to one topic, and its one listener. */
export class BroadcastWatch implements SignalSubscription {
  private readonly kept: KeptChannel;
  private pacing: ClockTimer | undefined;

  constructor(private readonly exchange: string, private readonly topic: string, private readonly onMessage: (message: Buffer) => void, private readonly host: BroadcastWatchHost) {
    this.kept = new KeptChannel({ prepare: (model) => declareOwnExchange(model, exchange, 'direct'), setUp: (channel, giveUp) => this.listen(channel, giveUp), restored: () => undefined }, host);
  }

  /** @throws BrokerError when the first try fails */
  async start(limitMs: number): Promise<void> {
    try {
      await this.kept.start(limitMs);
    } catch (error) {
      throw exchangeFailure(error, this.exchange);
    }
  }

  stop(): Promise<void> {
    this.host.ended(this);
    clock.clear(this.pacing);
    return this.kept.stop();
  }

  private async listen(channel: Channel, giveUp: () => void): Promise<void> {
    const { queue } = await answered(channel.assertQueue('', { exclusive: true, durable: false, autoDelete: true, arguments: QUEUE }), 'queue.declare');
    await answered(channel.bindQueue(queue, this.exchange, this.topic), 'queue.bind');
    await answered(channel.prefetch(PREFETCH), 'basic.qos');
    // No message: the server took the queue away.
    await answered(channel.consume(queue, (message) => (message === null ? giveUp() : this.received(channel, message))), 'basic.consume');
  }

  /** Must not throw: amqplib would close the channel. */
  private received(channel: Channel, message: ConsumeMessage): void {
    setImmediate(() => {
      if (this.kept.isStopped) return;
      try {
        this.onMessage(message.content);
      } catch (error) {
        this.host.failed(error);
      }
      this.askForMore(channel, message);
    });
  }

  private askForMore(channel: Channel, last: ConsumeMessage): void {
    clock.clear(this.pacing);
    this.pacing = clock.setTimeout(() => {
      try {
        channel.ack(last, true);
      } catch {
        // The channel has gone, and what it had handed over with it.
      }
    }, PACE_MS).unref();
  }
}
