import type { ChannelModel } from 'amqplib';
import type { DispatcherError } from '../../../errors.js';
import { clock, type ClockTimer } from '../../../time/clock.js';
import type { BrokerEvent, ConsumeOptions, Consumption, QueueType } from '../../broker.js';
import type { ChannelClosure } from '../../../amqp/open-channel.js';
import { within } from '../../../time/within.js';
import { pauseUntil } from '../../../time/pause-until.js';
import { exponentialPause } from '../../connection/reconnection-policy.js';
import type { AmqpDelivery } from './amqp-delivery.js';
import { cancellation, closureFailure, consumeFailure, firstRecoveryPauseMs } from './consume-failure.js';
import { consumerArguments, isRefusedArgument } from './consumer-arguments.js';
import { ConsumerChannel, type ConsumerChannelListener, type Room } from './consumer-channel.js';
import { makeStopper } from '../../../time/stopper.js';

export interface ConsumptionHost {
  /** The connection, once it stands. @throws when it never will, or not within the limit */
  connection(limitMs?: number): Promise<ChannelModel>;
  isConnected(): boolean;
  redeclare(model: ChannelModel, queue: string): Promise<void>;
  emit(event: BrokerEvent): void;
  random(): number;
  /** See {@link AmqpBrokerOptions.consumerTimeoutMs}. */
  readonly consumerTimeoutMs?: number | undefined;
  /** As which it was declared, where it was. */
  queueType?(queue: string): QueueType | undefined;
  /** It needs no more care. */
  ended(consumption: AmqpConsumption): void;
}

const LONGEST_PAUSE_MS = 60_000;
/** A consumer that lived this long was well: the next failure is a new story. */
const STABLE_MS = 10_000;
const STOP_LIMIT_MS = 5_000;
const CLOSE_LIMIT_MS = 2_000;
/** A callback that throws will probably throw again at once. */
const CALLBACK_FAILED_PAUSE_MS = 1_000;

/** One queue being consumed, through every channel and connection that it takes. */
export class AmqpConsumption implements Consumption, ConsumerChannelListener {
  private channel: ConsumerChannel | undefined;
  private room: Room;
  private readonly stopping = makeStopper();
  private recovering = false;
  private failures = 0;
  private restoredAt = 0;
  /** What still comes, because the broker did not answer the cancel, goes back unseen. */
  private silent = false;
  private asksNothing = false;
  /** Kept until the cancel is answered, or the channel closes: given back before, they would come again at once. */
  private readonly strays: AmqpDelivery[] = [];
  private stopped: Promise<void> | undefined;
  private closedOnce: Promise<void> | undefined;
  private readonly givingBack = new Set<ClockTimer>();

  constructor(
    private readonly queue: string,
    private readonly options: ConsumeOptions,
    private readonly onDelivery: (delivery: AmqpDelivery) => void,
    private readonly host: ConsumptionHost,
  ) {
    this.room = options;
  }

  /** @throws BrokerError when the queue cannot be consumed */
  async start(limitMs: number): Promise<void> {
    const model = await this.host.connection(limitMs);
    try {
      await this.open(model);
    } catch (error) {
      throw consumeFailure(this.queue, error);
    }
  }

  /** How many deliveries the broker counts as unsettled: once that is the prefetch, it sends no more. */
  get outstanding(): number {
    return this.channel?.outstanding ?? 0;
  }

  setPrefetch(prefetch: number, running?: number): Promise<void> {
    this.room = { prefetch, running };
    return this.channel?.setPrefetch(prefetch, running) ?? Promise.resolve();
  }

  stop(): Promise<void> {
    this.stopping.abort();
    return (this.stopped ??= this.cancel());
  }

  close(): Promise<void> {
    this.closedOnce ??= this.finish();
    return this.closedOnce;
  }

  delivered(delivery: AmqpDelivery): void {
    if (this.silent) {
      this.strays.push(delivery);
      return;
    }
    try {
      this.onDelivery(delivery);
    } catch (error) {
      this.host.emit({ type: 'broker.callback-failed', queue: this.queue, error });
      this.giveBackLater(delivery);
    }
  }

  cancelled(channel: ConsumerChannel): void {
    if (channel !== this.channel) return;
    void this.recover(cancellation(this.queue));
  }

  closed(channel: ConsumerChannel, closure: ChannelClosure): void {
    if (channel !== this.channel) return;
    this.channel = undefined;
    void this.recover(closureFailure(this.queue, closure));
  }

  warning(message: string): void {
    this.host.emit({ type: 'broker.warning', message });
  }

  private async cancel(): Promise<void> {
    const cancelled = (this.channel?.stop() ?? Promise.resolve()).then(() => {
      for (const stray of this.strays.splice(0)) stray.requeue();
    });
    await within(STOP_LIMIT_MS, cancelled);
    this.silent = true;
  }

  private async open(model: ChannelModel): Promise<void> {
    const channel = await this.openChannel(model);
    if (this.stopping.signal.aborted) return channel.close(CLOSE_LIMIT_MS);
    this.channel = channel;
    void channel.setPrefetch(this.room.prefetch, this.room.running);
  }

  /** A queue of another type than was asked for may refuse what its consumer asks: then it asks for nothing. */
  private async openChannel(model: ChannelModel): Promise<ConsumerChannel> {
    const { queue, options: { tag }, host } = this;
    const args = this.asksNothing ? undefined : consumerArguments(model, host.queueType?.(queue), host.consumerTimeoutMs);
    try {
      return await ConsumerChannel.open(model, { queue, tag, args }, this.room, this);
    } catch (error) {
      if (args === undefined || !isRefusedArgument(error)) throw error;
      this.asksNothing = true;
      return ConsumerChannel.open(model, { queue, tag, args: undefined }, this.room, this);
    }
  }

  /** Until it consumes again, is stopped, or the connection is broken for good. One at a time. */
  private async recover(error: DispatcherError): Promise<void> {
    if (this.recovering || this.stopping.signal.aborted) return;
    this.recovering = true;
    if (clock.elapsed() - this.restoredAt > STABLE_MS) this.failures = 0;
    try {
      while (!this.stopping.signal.aborted) {
        await this.waitBeforeRecovery(error);
        const model = await this.host.connection();
        if (this.stopping.signal.aborted) return;
        try {
          await this.restore(model);
          this.restored();
          return;
        } catch (failure) {
          error = consumeFailure(this.queue, failure);
        }
      }
    } catch {
      // The connection is broken or closing, and that is reported where it happened.
    } finally {
      this.recovering = false;
    }
  }

  /** A channel whose consumer was only cancelled is kept: its deliveries can still be settled. */
  private async restore(model: ChannelModel): Promise<void> {
    await this.host.redeclare(model, this.queue);
    if (this.channel === undefined) await this.open(model);
    else await this.channel.resume();
  }

  private async waitBeforeRecovery(error: DispatcherError): Promise<void> {
    // When the connection went, its own supervisor paces the return.
    if (!this.host.isConnected()) return;
    const firstMs = firstRecoveryPauseMs(error);
    const retryInMs = firstMs + exponentialPause(this.failures++, firstMs, LONGEST_PAUSE_MS, () => this.host.random());
    this.host.emit({ type: 'broker.consumer-lost', queue: this.queue, error, retryInMs });
    await pauseUntil(retryInMs, this.stopping.signal);
  }

  private restored(): void {
    if (this.stopping.signal.aborted) return;
    this.restoredAt = clock.elapsed();
    this.host.emit({ type: 'broker.consumer-restored', queue: this.queue });
  }

  private giveBackLater(delivery: AmqpDelivery): void {
    const timer = clock.setTimeout(() => {
      this.givingBack.delete(timer);
      delivery.requeue();
    }, CALLBACK_FAILED_PAUSE_MS);
    this.givingBack.add(timer);
  }

  private async finish(): Promise<void> {
    await this.stop();
    for (const timer of this.givingBack) clock.clear(timer);
    await this.channel?.close(CLOSE_LIMIT_MS);
    this.channel = undefined;
    this.host.ended(this);
  }
}
