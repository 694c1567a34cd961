import type { Channel, ChannelModel } from 'amqplib';
import { CLASSIC } from '../../../amqp/queue-forms.js';
import { BrokerUnavailableError, DispatcherError } from '../../../errors.js';
import { answered, closeChannel, openChannel, openConfirmChannel } from '../../../amqp/open-channel.js';
import { pauseUntil } from '../../../time/pause-until.js';
import { exponentialPause } from '../connection/reconnection-policy.js';
import { declarationFailure } from '../topology/declaration-failure.js';
import { declareOrFind } from '../topology/declare-or-find.js';
import { makeStopper } from '../../../time/stopper.js';

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 30_000;
const CLOSE_LIMIT_MS = 2_000;

/** A fanout exchange, and for each who watches a queue that goes with its connection. */
function signalExchange(exchange: string): string {
  return `${exchange}.control.v1`;
}

/** On a channel of its own: rare, and nothing else may suffer when it is refused. */
export async function sendSignal(model: ChannelModel, exchange: string): Promise<void> {
  const name = signalExchange(exchange);
  await declareExchange(model, name);
  const channel = await openConfirmChannel(model, { closed: () => undefined, warning: () => undefined });
  try {
    channel.publish(name, '', Buffer.alloc(0));
    await answered(channel.waitForConfirms(), 'a confirm');
  } catch (error) {
    throw failure(error, name);
  } finally {
    await closeChannel(channel, CLOSE_LIMIT_MS);
  }
}

export interface SignalHost {
  connection(limitMs?: number): Promise<ChannelModel>;
  random(): number;
  ended(watch: SignalWatch): void;
}

/** One watch, kept through every channel and connection that it takes. */
export class SignalWatch {
  private readonly stopping = makeStopper();
  private channel: Channel | undefined;

  constructor(private readonly exchange: string, private readonly onSignal: () => void, private readonly host: SignalHost) {}

  /** @throws BrokerError when the first try fails */
  async start(limitMs: number): Promise<void> {
    try {
      await this.open(await this.host.connection(limitMs));
    } catch (error) {
      throw failure(error, signalExchange(this.exchange));
    }
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.host.ended(this);
    if (this.channel !== undefined) await closeChannel(this.channel, CLOSE_LIMIT_MS);
  }

  private async open(model: ChannelModel): Promise<void> {
    let isOpen = false;
    const name = signalExchange(this.exchange);
    await declareExchange(model, name);
    const channel = await openChannel(model, { closed: () => isOpen && void this.restore(), warning: () => undefined });
    try {
      const { queue } = await answered(channel.assertQueue('', { exclusive: true, durable: false, autoDelete: true, arguments: CLASSIC }), 'queue.declare');
      await answered(channel.bindQueue(queue, name, ''), 'queue.bind');
      // No message: the server took the queue away; the channel is given up, so that all is made anew.
      await answered(channel.consume(queue, (message) => (message === null ? void closeChannel(channel, CLOSE_LIMIT_MS) : this.notify()), { noAck: true }), 'basic.consume');
    } catch (error) {
      await closeChannel(channel, CLOSE_LIMIT_MS);
      throw error;
    }
    isOpen = true;
    this.channel = channel;
    if (this.stopping.signal.aborted) await closeChannel(channel, CLOSE_LIMIT_MS);
  }

  /** Until it watches again, is stopped, or the connection is broken for good; then one may have been missed. */
  private async restore(): Promise<void> {
    const { signal } = this.stopping;
    try {
      for (let tries = 0; !signal.aborted; tries++) {
        await pauseUntil(FIRST_PAUSE_MS + exponentialPause(tries, FIRST_PAUSE_MS, LONGEST_PAUSE_MS, () => this.host.random()), signal);
        const model = await this.host.connection();
        if (signal.aborted) return;
        const isOpen = await this.open(model).then(() => true, () => false);
        if (isOpen) return this.notify();
      }
    } catch {
      // The connection is broken or closing, and that is reported where it happened.
    }
  }

  /** Must not throw: amqplib would close the channel. */
  private notify(): void {
    if (this.stopping.signal.aborted) return;
    setImmediate(this.onSignal);
  }
}

/** Where it cannot be asked for and is not there, its use is refused at once. */
function declareExchange(model: ChannelModel, name: string): Promise<void> {
  return declareOrFind(model, {
    what: `Exchange "${name}"`,
    declare: (channel) => channel.assertExchange(name, 'fanout', { durable: true }),
    find: (channel) => channel.checkExchange(name),
  }, () => undefined);
}

function failure(error: unknown, name: string): DispatcherError {
  if (error instanceof DispatcherError) return error;
  if (typeof (error as { code?: unknown }).code === 'number') return declarationFailure(error, `Exchange "${name}"`);
  return new BrokerUnavailableError(`The connection was lost at exchange "${name}": ${(error as Error).message}.`, { exchange: name }, error);
}
