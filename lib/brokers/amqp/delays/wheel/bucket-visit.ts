import type { ChannelModel } from 'amqplib';
import { clock, type ClockTimer } from '../../../../time/clock.js';
import type { AmqpDelivery } from '../../consuming/amqp-delivery.js';
import { readDelayed, withoutDelayed, type Delayed } from '../delayed-header.js';
import { bucketName, lowestLevel } from '../delay-ladder.js';
import { ForwarderConsumption } from '../forwarder-consumption.js';
import type { Forwarding } from '../forwarding.js';
import { FIRST_PREFETCH } from '../near-room.js';
import { Holding } from '../holding.js';
import type { ServerClock } from '../server-clock.js';
import { type Bucket, bucketKey, bucketOf, slotFor, type WheelShape } from './wheel-shape.js';

/** Nothing has come for so long, and nothing is in hand: it is empty. */
const IDLE_MS = 1_000;
/** What is on its way to somewhere else when a visit is over has so long to get there, rather than to go back and come twice. */
const LEAVE_LIMIT_MS = 5_000;
const LEAVE_EVERY_MS = 20;

export interface VisitHost {
  readonly exchange: string;
  readonly shape: WheelShape;
  readonly forwarding: Forwarding;
  readonly time: ServerClock;
  /** Makes the bucket again, where somebody has deleted it. */
  declare(model: ChannelModel, bucket: Bucket): Promise<void>;
  /** It takes nothing any more. */
  ended(visit: BucketVisit): void;
}

/**
 * Takes out of a bucket what its slot is open for, as any number of processes do at the same time: of the first level to hold it until
 * it is due and forward it, of the others to put it where it is waited more narrowly. It takes one first: should that be for
 * a slot that is not open yet, so is all that stands behind it, and it goes back.
 */
export class BucketVisit {
  private readonly consumption: ForwarderConsumption;
  private readonly holding: Holding | undefined;
  private readonly key: string;
  private timer: ClockTimer | undefined;
  private isOpen = false;
  private isWide = false;
  private isOver = false;
  private taken = 0;
  private seen = 0;
  /** Of what is in hand: what is to go back. */
  private unwanted = 0;
  private leaving: Promise<void> | undefined;

  constructor(readonly bucket: Bucket, private readonly host: VisitHost) {
    const { exchange, forwarding } = host;
    this.key = bucketKey(bucket);
    this.consumption = new ForwarderConsumption(forwarding, {
      name: bucketName(exchange, this.key), prefetch: 1, ...(bucket.level === 0 ? { running: 0 } : {}),
      // It was there a moment ago, and is made only where it has gone meanwhile.
      declare: (model) => (this.isOpen ? host.declare(model, bucket) : Promise.resolve()),
      opened: () => { this.isOpen = true; },
    }, (delivery) => this.delivered(delivery));
    this.holding = bucket.level === 0 ? new Holding(this.consumption, forwarding) : undefined;
  }

  /** How many are in hand: the broker counts them no more. */
  get count(): number {
    return this.holding?.count ?? 0;
  }

  start(): void {
    this.consumption.start();
    this.timer = clock.setTimeout(() => this.look(), IDLE_MS);
  }

  /** What is in hand goes back. Idempotent. */
  async end(): Promise<void> {
    this.isOver = true;
    clock.clear(this.timer);
    this.holding?.stop();
    await this.consumption.close();
    this.host.ended(this);
  }

  /** Takes no more; what is in hand is finished, and what is not wanted goes back. */
  private leave(): void {
    this.isOver = true;
    clock.clear(this.timer);
    this.leaving ??= this.finish().then(() => this.end());
  }

  private async finish(): Promise<void> {
    this.consumption.stop();
    for (const since = clock.elapsed(); this.consumption.outstanding > this.unwanted && clock.elapsed() - since < LEAVE_LIMIT_MS && !this.host.forwarding.signal.aborted;) {
      await clock.sleep(LEAVE_EVERY_MS);
    }
  }

  private look(): void {
    if (this.isOver) return;
    if (this.taken === this.seen && this.consumption.outstanding === 0) return this.leave();
    this.seen = this.taken;
    this.timer = clock.setTimeout(() => this.look(), IDLE_MS);
  }

  private delivered(delivery: AmqpDelivery): void {
    this.taken++;
    if (this.isOver) return void this.unwanted++;
    const { forwarding } = this.host;
    const delayed = readDelayed(delivery);
    if (delayed === undefined) return void forwarding.take(delivery, () => forwarding.putAside(delivery));
    const now = this.host.time.earliest;
    const slot = slotFor(this.host.shape, delayed.due, now, lowestLevel(delivery.body.length));
    if (slot !== undefined && bucketKey(bucketOf(this.host.shape, slot)) === this.key) {
      this.unwanted++;
      return this.leave();
    }
    if (!this.isWide) this.widen();
    if (slot === undefined && this.holding !== undefined) this.holding.take(delivery, delayed, delayed.due - now);
    else this.putElsewhere(delivery, delayed);
  }

  private putElsewhere(delivery: AmqpDelivery, delayed: Delayed): void {
    void this.host.forwarding.take(delivery, () => this.host.forwarding.sendBack(withoutDelayed(delivery), delayed));
  }

  private widen(): void {
    this.isWide = true;
    this.consumption.setPrefetch(FIRST_PREFETCH);
  }
}
