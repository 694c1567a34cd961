import type { ChannelModel } from 'amqplib';
import { clock, type ClockTimer } from '../../../time/clock.js';
import type { Address, Message } from '../../broker.js';
import type { Publisher } from '../publishing/publisher.js';
import { DelayInfrastructure } from './delay-infrastructure.js';
import { DelayedPublishing } from './delayed-publishing.js';
import { DueForwarder } from './due-forwarder.js';
import { type ForwarderHost, Forwarding } from './forwarding.js';
import { NearForwarder } from './near-forwarder.js';
import { SenderClocks } from './sender-clocks.js';

/** A script that connects, publishes and ends need not take part. */
const START_PAUSE_MS = 1_000;

export interface DelaysHost extends ForwarderHost {
  /** See `PublishingOptions.maxWaitMs`. */
  readonly maxWaitMs: number;
}

/** Messages that wait out a delay on one exchange: sent where they wait, and taken from there when they are due, by every process. */
export class Delays {
  private readonly infrastructure: DelayInfrastructure;
  private readonly publishing: DelayedPublishing;
  private readonly forwarding: Forwarding;
  private readonly due: DueForwarder;
  private readonly near: NearForwarder;
  private timer: ClockTimer | undefined;

  constructor(exchange: string, publisher: Publisher, host: DelaysHost) {
    const senders = new SenderClocks();
    this.infrastructure = new DelayInfrastructure(exchange);
    this.publishing = new DelayedPublishing(exchange, publisher, this.infrastructure, { maxWaitMs: host.maxWaitMs, connection: (limitMs) => host.connection(limitMs) });
    this.forwarding = new Forwarding(exchange, publisher, this.infrastructure, this.publishing, host);
    this.due = new DueForwarder(exchange, this.infrastructure, this.forwarding, senders, () => this.near.consumption.start());
    this.near = new NearForwarder(exchange, this.infrastructure, this.forwarding, senders);
  }

  /** Of those that wait, how many this process has in hand, where no queue counts them. */
  get inHand(): number {
    return this.near.count;
  }

  /** See `Broker.publish`. */
  publish(message: Message, address: Address, delayMs: number): Promise<void> {
    this.start();
    return this.publishing.publish(message, address, delayMs);
  }

  startSoon(): void {
    if (!this.forwarding.signal.aborted) this.timer ??= clock.setTimeout(() => this.start(), START_PAUSE_MS);
  }

  /** Idempotent; see {@link ForwarderConsumption.start}. First the end of the ladder: whoever may not take from there may not from the near queue, and is told once. */
  start(): void {
    this.due.consumption.start();
  }

  /** Somebody deleted something of it. */
  repair(model: ChannelModel): Promise<void> {
    return this.infrastructure.repair(model);
  }

  /** Takes no more; what is under way is finished. */
  stop(): void {
    this.forwarding.stop();
    clock.clear(this.timer);
    this.near.stop();
    for (const { consumption } of [this.due, this.near]) consumption.stop();
  }

  /** What is not forwarded by now goes back to its queue, for another process. */
  async close(): Promise<void> {
    this.stop();
    await Promise.all([this.due, this.near].map(({ consumption }) => consumption.close()));
  }

  /** The connection is gone: nobody waits for it any more. */
  closed(): void {
    this.publishing.close();
  }
}
