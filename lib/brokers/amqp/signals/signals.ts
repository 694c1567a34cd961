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

/** The signals of one broker: those that it sends, and who watches here. One queue hears them for all who watch. */
export class Signals {
  private readonly listeners = new Set<() => void>();
  private watching: Promise<SignalWatch> | undefined;

  constructor(private readonly exchange: string, private readonly host: SignalsHost) {}

  async send(): Promise<void> {
    await sendSignal(await this.host.publishing(), this.exchange);
  }

  async watch(onSignal: () => void, limitMs: number): Promise<SignalSubscription> {
    // Each watch its own, also where two hand over the same function.
    const listener = (): void => onSignal();
    this.listeners.add(listener);
    try {
      await (this.watching ??= this.start(limitMs));
    } catch (error) {
      this.listeners.delete(listener);
      throw error;
    }
    return { stop: () => this.leave(listener) };
  }

  async close(): Promise<void> {
    this.listeners.clear();
    await this.end();
  }

  private async start(limitMs: number): Promise<SignalWatch> {
    const watch = new SignalWatch(this.exchange, () => { for (const listener of [...this.listeners]) listener(); }, this.host);
    try {
      await watch.start(limitMs);
      return watch;
    } catch (error) {
      // Whoever comes next tries anew.
      this.watching = undefined;
      throw error;
    }
  }

  private async leave(listener: () => void): Promise<void> {
    if (this.listeners.delete(listener) && this.listeners.size === 0) await this.end();
  }

  private async end(): Promise<void> {
    const { watching } = this;
    this.watching = undefined;
    await watching?.then((watch) => watch.stop(), () => undefined);
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

/** One watch, kept through every channel and connection that it takes. */
class SignalWatch {
  private readonly kept: KeptChannel;
  private readonly name: string;

  constructor(exchange: string, private readonly onSignal: () => void, host: KeptChannelHost) {
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
