import type { Channel, ChannelModel } from 'amqplib';
import { CLASSIC } from '../../../amqp/queue-forms.js';
import { answered, closeChannel, openConfirmChannel } from '../../../amqp/open-channel.js';
import type { SignalSubscription } from '../../broker.js';
import { declareOwnExchange, exchangeFailure } from './own-exchange.js';
import { KeptChannel, type KeptChannelHost } from './kept-channel.js';

const CLOSE_LIMIT_MS = 2_000;

/** A fanout exchange, and for each who watches a queue that goes with its connection. */
function signalExchange(exchange: string): string {
  return `${exchange}.control.v1`;
}

export interface SignalsHost extends KeptChannelHost {
  /** The connection for publishing. */
  publishing(): Promise<ChannelModel>;
}

/** The signals of one broker: those that it sends, and who watches here. */
export class Signals {
  private readonly watches = new Set<SignalWatch>();

  constructor(private readonly exchange: string, private readonly host: SignalsHost) {}

  async send(): Promise<void> {
    await sendSignal(await this.host.publishing(), this.exchange);
  }

  async watch(onSignal: () => void, limitMs: number): Promise<SignalSubscription> {
    const watch = new SignalWatch(this.exchange, onSignal, { ...this.host, ended: (gone) => this.watches.delete(gone) });
    await watch.start(limitMs);
    this.watches.add(watch);
    return watch;
  }

  async close(): Promise<void> {
    await Promise.all([...this.watches].map((watch) => watch.stop()));
  }
}

/** On a channel of its own: rare, and nothing else may suffer when it is refused. */
async function sendSignal(model: ChannelModel, exchange: string): Promise<void> {
  const name = signalExchange(exchange);
  await declareOwnExchange(model, name, 'fanout');
  const channel = await openConfirmChannel(model, { closed: () => undefined, warning: () => undefined });
  try {
    channel.publish(name, '', Buffer.alloc(0));
    await answered(channel.waitForConfirms(), 'a confirm');
  } catch (error) {
    throw exchangeFailure(error, name);
  } finally {
    await closeChannel(channel, CLOSE_LIMIT_MS);
  }
}

interface SignalHost extends KeptChannelHost {
  ended(watch: SignalWatch): void;
}

/** One watch, kept through every channel and connection that it takes. */
class SignalWatch implements SignalSubscription {
  private readonly kept: KeptChannel;
  private readonly name: string;

  constructor(exchange: string, private readonly onSignal: () => void, private readonly host: SignalHost) {
    this.name = signalExchange(exchange);
    // After it was lost one may have been missed.
    this.kept = new KeptChannel({ prepare: (model) => declareOwnExchange(model, this.name, 'fanout'), setUp: (channel, giveUp) => this.listen(channel, giveUp), restored: () => this.notify() }, host);
  }

  /** @throws BrokerError when the first try fails */
  async start(limitMs: number): Promise<void> {
    try {
      await this.kept.start(limitMs);
    } catch (error) {
      throw exchangeFailure(error, this.name);
    }
  }

  stop(): Promise<void> {
    this.host.ended(this);
    return this.kept.stop();
  }

  private async listen(channel: Channel, giveUp: () => void): Promise<void> {
    const { queue } = await answered(channel.assertQueue('', { exclusive: true, durable: false, autoDelete: true, arguments: CLASSIC }), 'queue.declare');
    await answered(channel.bindQueue(queue, this.name, ''), 'queue.bind');
    // No message: the server took the queue away.
    await answered(channel.consume(queue, (message) => (message === null ? giveUp() : this.notify()), { noAck: true }), 'basic.consume');
  }

  /** Must not throw: amqplib would close the channel. */
  private notify(): void {
    if (!this.kept.isStopped) setImmediate(this.onSignal);
  }
}
