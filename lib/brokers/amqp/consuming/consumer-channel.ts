import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib';
import { answered, type ChannelClosure, closeChannel, openChannel } from '../../../amqp/open-channel.js';
import { clock } from '../../../time/clock.js';
import { AckCoalescer, type AckSink } from './ack-coalescer.js';
import { AmqpDelivery, type DeliveryChannel } from './amqp-delivery.js';
import { Grant } from './grant.js';
import { nextPrefetchStep } from './prefetch-plan.js';

export interface ConsumerChannelListener {
  delivered(delivery: AmqpDelivery): void;
  /** The broker cancelled a consumer (queue deleted, node lost); the channel itself is well. */
  cancelled(channel: ConsumerChannel): void;
  closed(channel: ConsumerChannel, closure: ChannelClosure): void;
  warning(message: string): void;
}

export interface ConsumerSettings {
  readonly queue: string;
  readonly tag: string;
  readonly args: Record<string, unknown> | undefined;
}

/** How many may be unsettled, and how many of these are worked on at once, where the rest waits. */
export interface Room {
  readonly prefetch: number;
  readonly running?: number | undefined;
}

/** What amqplib's `ack` reads of a message. */
interface TagOnly {
  fields: { deliveryTag: number };
}

/** 16 bits on the wire, where 0 would mean without limit. */
const LARGEST_PREFETCH = 65_535;

/** The consumers of one queue on one channel, from open to closed. Late settlements are refused here. */
export class ConsumerChannel implements DeliveryChannel, AckSink {
  private alive = true;
  private wanted = true;
  private channel!: Channel;
  private grants: Grant[] = [];
  /** Unsettled deliveries of cancelled consumers. */
  private retired = 0;
  private consumers = 0;
  private eager = true;
  private adjusting: Promise<void> = Promise.resolve();
  private readonly coalescer = new AckCoalescer(this, schedule);
  private readonly named: TagOnly = { fields: { deliveryTag: 0 } };

  private constructor(
    private readonly consumer: ConsumerSettings,
    private target: number,
    running: number | undefined,
    private readonly listener: ConsumerChannelListener,
  ) {
    this.coalescer.setPrefetch(target, running);
  }

  /** @throws what the broker said, with its `code`; the channel is closed then */
  static async open(model: ChannelModel, consumer: ConsumerSettings, { prefetch, running }: Room, listener: ConsumerChannelListener): Promise<ConsumerChannel> {
    const opened = new ConsumerChannel(consumer, prefetch, running, listener);
    let complete = false;
    const channel = await openChannel(model, {
      closed: (closure) => {
        opened.die();
        if (complete) listener.closed(opened, closure);
      },
      warning: (message) => listener.warning(message),
    });
    opened.channel = channel;
    try {
      await opened.adjust();
      if (!opened.alive) throw new Error('the channel was closed at once');
    } catch (error) {
      opened.die();
      await closeChannel(channel, 1000);
      throw error;
    }
    complete = true;
    return opened;
  }

  get isGone(): boolean {
    return !this.alive;
  }

  /** See {@link AckCoalescer.outstanding}. */
  get outstanding(): number {
    return this.coalescer.outstanding;
  }

  /** Resolves when the broker has answered; never rejects. */
  setPrefetch(prefetch: number, running?: number): Promise<void> {
    this.coalescer.setPrefetch(prefetch, running);
    if (prefetch === this.target) return this.adjusting;
    this.target = prefetch;
    this.eager = true;
    return this.adjust().catch(() => undefined);
  }

  /** Consumers that the broker cancelled come back. @throws what the broker said */
  resume(): Promise<void> {
    return this.adjust();
  }

  /** No delivery comes after this, or after `limitMs`. */
  async stop(): Promise<void> {
    this.wanted = false;
    await this.adjust().catch(() => undefined);
  }

  /** Settlements first, in order before the close on the wire; what is unsettled goes back to the queue. */
  async close(limitMs: number): Promise<void> {
    this.wanted = false;
    if (!this.alive) return;
    this.guarded(() => this.coalescer.close());
    this.die();
    await closeChannel(this.channel, limitMs);
  }

  settle(delivery: AmqpDelivery, requeue: boolean): boolean {
    if (delivery.settled || !this.alive) return false;
    delivery.settled = true;
    const { grant, tag } = delivery;
    grant.outstanding--;
    if (!grant.live) {
      this.retired--;
      void this.adjust().catch(() => undefined);
    }
    try {
      if (requeue) this.coalescer.requeue(tag);
      else this.coalescer.finish(tag);
    } catch {
      // Closing, though its event has not come yet.
      this.die();
      return false;
    }
    return !grant.revoked;
  }

  ack(tag: number, multiple: boolean): void {
    this.named.fields.deliveryTag = tag;
    this.channel.ack(this.named as Parameters<Channel['ack']>[0], multiple);
  }

  requeue(tag: number): void {
    this.named.fields.deliveryTag = tag;
    this.channel.nack(this.named as Parameters<Channel['nack']>[0], false, true);
  }

  /** One at a time, in order: a consumer's prefetch is whatever `basic.qos` said last before it. */
  private adjust(): Promise<void> {
    const next = this.adjusting.then(() => this.takeSteps());
    this.adjusting = next.catch(() => undefined);
    return next;
  }

  private async takeSteps(): Promise<void> {
    while (this.alive) {
      const target = this.wanted ? Math.min(this.target, LARGEST_PREFETCH) : 0;
      const step = nextPrefetchStep(target, this.grants, this.retired, this.eager);
      if (step === undefined) {
        this.eager = false;
        return;
      }
      if ('cancelLast' in step) for (const grant of this.grants.slice(-step.cancelLast)) await this.cancel(grant);
      else await this.grant(step.grant);
    }
  }

  private async grant(quota: number): Promise<void> {
    const { queue, tag, args } = this.consumer;
    const number = ++this.consumers;
    const grant = new Grant(queue, number === 1 ? tag : `${tag}#${number}`, quota);
    await answered(this.channel.prefetch(quota), 'basic.qos');
    // Counted before the answer: deliveries may come in the same chunk as it.
    this.grants.push(grant);
    try {
      await answered(this.channel.consume(queue, (message) => this.dispatch(grant, message), { consumerTag: grant.tag, arguments: args }), 'basic.consume');
    } catch (error) {
      this.retire(grant);
      throw error;
    }
  }

  private async cancel(grant: Grant): Promise<void> {
    await answered(this.channel.cancel(grant.tag), 'basic.cancel');
    this.retire(grant);
  }

  private retire(grant: Grant): void {
    if (!grant.live) return;
    grant.live = false;
    this.retired += grant.outstanding;
    this.grants = this.grants.filter((one) => one !== grant);
  }

  /** Must not throw: amqplib would close the channel, or for a cancellation the whole connection. */
  private dispatch(grant: Grant, message: ConsumeMessage | null): void {
    if (message === null) {
      grant.revoked = true;
      this.retire(grant);
      this.listener.cancelled(this);
      return;
    }
    grant.outstanding++;
    if (!grant.live) this.retired++;
    this.coalescer.delivered(message.fields.deliveryTag);
    this.listener.delivered(new AmqpDelivery(this, grant, message));
  }

  private die(): void {
    this.alive = false;
    this.coalescer.drop();
  }

  private guarded(action: () => void): void {
    try {
      action();
    } catch {
      // The channel went first: the broker has its deliveries back.
    }
  }
}

function schedule(callback: () => void, ms: number): () => void {
  const call = (): void => {
    try {
      callback();
    } catch {
      // The channel is closing, and its event will say so.
    }
  };
  if (ms === 0) {
    const immediate = setImmediate(call);
    return () => clearImmediate(immediate);
  }
  const timer = clock.setTimeout(call, ms);
  return () => clock.clear(timer);
}
