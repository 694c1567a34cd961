import type { ChannelModel } from 'amqplib';
import { BrokerRefusedError } from '../../../errors.js';
import { clock, type ClockTimer } from '../../../time/clock.js';
import type { Address, Message } from '../../broker.js';
import { QuestionChannels } from '../browsing/question-channels.js';
import type { Publisher } from '../publishing/publisher.js';
import { countDelayed, type DelayedPart } from './count-delayed.js';
import { DelayInfrastructure } from './delay-infrastructure.js';
import { DelayedPublishing } from './delayed-publishing.js';
import { DueForwarder } from './due-forwarder.js';
import { type ForwarderHost, Forwarding } from './forwarding.js';
import { NearForwarder } from './near-forwarder.js';
import { SenderClocks } from './sender-clocks.js';
import { askServer, ServerClock } from './server-clock.js';
import { BucketDirectory } from './wheel/bucket-directory.js';
import { soonMs, WHEEL, type WheelShape } from './wheel/wheel-shape.js';
import { WheelKeeper } from './wheel/wheel-keeper.js';

/** A script that connects, publishes and ends need not take part. */
const START_PAUSE_MS = 1_000;

export interface DelaysHost extends ForwarderHost {
  /** See `PublishingOptions.maxWaitMs`. */
  readonly maxWaitMs: number;
  /** Default: {@link WHEEL}. All processes of an exchange must have the same. */
  readonly shape?: WheelShape | undefined;
}

/** Messages that wait out a delay on one exchange: sent where they wait, and taken from there when they are due, by every process. */
export class Delays {
  private readonly shape: WheelShape;
  private readonly time: ServerClock;
  private readonly channels = new QuestionChannels();
  private readonly infrastructure: DelayInfrastructure;
  private readonly directory: BucketDirectory;
  private readonly publishing: DelayedPublishing;
  private readonly forwarding: Forwarding;
  private readonly due: DueForwarder;
  private readonly near: NearForwarder;
  private readonly keeper: WheelKeeper;
  private timer: ClockTimer | undefined;

  constructor(private readonly exchange: string, publisher: Publisher, private readonly host: DelaysHost) {
    const senders = new SenderClocks();
    this.shape = host.shape ?? WHEEL;
    this.time = new ServerClock((message) => host.warn(message), (model) => askServer(model, (queue) => publisher.publish({ body: Buffer.alloc(0), properties: {} }, '', queue)));
    this.infrastructure = new DelayInfrastructure(exchange);
    this.directory = new BucketDirectory(exchange, this.shape, this.channels, { publish: (message, queue) => publisher.publish(message, '', queue), made: (bucket) => this.keeper.made(bucket) });
    this.publishing = new DelayedPublishing(exchange, publisher, this.infrastructure, {
      maxWaitMs: host.maxWaitMs, shape: this.shape, time: this.time, connection: (limitMs) => host.connection(limitMs), makeBucket: (model, bucket) => this.directory.make(model, bucket),
    });
    this.forwarding = new Forwarding(exchange, publisher, this.infrastructure, this.publishing, this.time, host);
    this.due = new DueForwarder(exchange, this.infrastructure, this.forwarding, senders, this.time, { opened: () => this.opened(), strayed: (key) => this.directory.strayed(key) });
    this.near = new NearForwarder(exchange, this.infrastructure, this.forwarding, senders, this.time);
    this.keeper = new WheelKeeper({
      exchange, shape: this.shape, forwarding: this.forwarding, time: this.time, directory: this.directory, channels: this.channels, declare: (model) => this.infrastructure.declareWheel(model),
    });
  }

  /** See `Broker.publish`. */
  publish(message: Message, address: Address, delayMs: number): Promise<void> {
    this.start();
    return this.publishing.publish(message, address, delayMs);
  }

  /** What waits, by where it does; of what others have in hand nobody knows. */
  async count(model: ChannelModel): Promise<DelayedPart[]> {
    // Who may not read which buckets there are counts those that it knows.
    await this.directory.read(model).catch((error: unknown) => { if (!(error instanceof BrokerRefusedError)) throw error; });
    const parts = await countDelayed((questions) => this.channels.ask(model, questions), this.exchange, this.shape, this.directory.known, this.time.latest);
    // After the queues: what it took from them meanwhile is in both counts rather than in none.
    return [...parts, { withinMs: soonMs(this.shape), count: this.near.count + this.keeper.count }];
  }

  startSoon(): void {
    if (!this.forwarding.signal.aborted) this.timer ??= clock.setTimeout(() => this.start(), START_PAUSE_MS);
  }

  /** Idempotent; see {@link ForwarderConsumption.start}. First the end of the ladder: whoever may not take from there may not from the others, and is told once. */
  start(): void {
    this.due.consumption.start();
  }

  /** Somebody deleted something of it. */
  repair(model: ChannelModel): Promise<void> {
    this.directory.forget();
    return this.infrastructure.repair(model);
  }

  /** Takes no more; what is under way is finished. */
  stop(): void {
    this.forwarding.stop();
    clock.clear(this.timer);
    this.near.stop();
    this.keeper.stop();
    for (const { consumption } of [this.due, this.near]) consumption.stop();
  }

  /** What is not forwarded by now goes back to its queue, for another process. */
  async close(): Promise<void> {
    this.stop();
    await Promise.all([...[this.due, this.near].map(({ consumption }) => consumption.close()), this.keeper.close()]);
    await this.channels.close();
  }

  /** The connection is gone: nobody waits for it any more. */
  closed(): void {
    this.publishing.close();
  }

  private opened(): void {
    this.near.consumption.start();
    this.keeper.start();
  }
}
