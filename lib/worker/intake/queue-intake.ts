import type { Broker, Consumption, Delivery } from '../../brokers/broker.js';
import { clock } from '../../time/clock.js';
import { WaitingDeliveries } from '../waiting-deliveries.js';
import type { Intake, IntakeHost } from './intake.js';
import { QueuePrefetch } from './queue-prefetch.js';
import { BATCH_STALL_MS, StallWatch } from './stall-watch.js';

/** A channel, its prefetch, a consumer: as many questions and answers. */
const STEPS_TO_CONSUME = 3;
const STEPS_TO_GROW = 2;
const LEAST_ROUND_TRIP_MS = 0.1;

/** One queue, first in first out: the usual case, and the one that must cost nothing. */
export class QueueIntake implements Intake {
  private readonly line = new WaitingDeliveries();
  private readonly prefetch: QueuePrefetch;
  private readonly stall: StallWatch;
  private readonly halted: Consumption[] = [];
  private consumption: Consumption | undefined;
  private readonly runningMs: () => Iterable<number>;
  private isHeld = false;
  private takenOver = 0;
  private room = 0;
  private stopped = false;

  constructor(
    private readonly broker: Broker, private readonly queue: string, private readonly tag: string, private limit: number,
    private readonly host: IntakeHost, private readonly names?: () => readonly string[],
  ) {
    this.prefetch = new QueuePrefetch(limit);
    this.runningMs = () => host.runningMs();
    this.stall = new StallWatch(() => host.ended, () => this.line.size === 0 || !host.isTaking || this.isHeld, () => this.stalled(), () => (this.room > 0 ? BATCH_STALL_MS : 0));
  }

  get waiting(): number { return this.line.size; }

  async open(): Promise<void> {
    const asked = this.wanted;
    const since = clock.elapsed();
    const options = { tag: this.tag, prefetch: asked, running: this.limit, ...(this.names === undefined ? {} : { names: this.names }) };
    this.consumption = await this.broker.consume(this.queue, options, (delivery) => {
      if (!this.host.renews(delivery)) this.host.receive(delivery);
    });
    this.prefetch.tookRoundTrip((clock.elapsed() - since) / STEPS_TO_CONSUME);
    // Tasks may have ended before the broker's answer was here, and have changed the prefetch already.
    if (this.wanted !== asked) await this.tell(this.consumption);
  }

  async halt(): Promise<void> {
    const { consumption } = this;
    this.consumption = undefined;
    if (consumption !== undefined) this.halted.push(consumption);
    await consumption?.stop();
    this.giveBack();
  }

  closeHalted(): void {
    for (const consumption of this.halted.splice(0)) void consumption.close();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.consumption?.stop();
    this.giveBack();
  }

  async close(): Promise<void> {
    this.stall.stop();
    await Promise.all([this.consumption?.close(), ...this.halted.map((consumption) => consumption.close())]);
  }

  keep(delivery: Delivery): void {
    this.line.push(delivery);
    if (!this.isHeld) this.stall.start();
  }

  next(): Delivery | undefined {
    return this.line.shift();
  }

  observe(durationMs: number, now: number): void {
    const { current } = this.prefetch;
    if (!this.prefetch.ended(now, durationMs, this.runningMs)) return;
    if (this.prefetch.current < current) void this.adapt();
    else void this.grow();
  }

  setLimit(limit: number): void {
    this.limit = limit;
    this.prefetch.setLimit(limit);
    void this.adapt();
  }

  hold(): void {
    this.isHeld = true;
    this.giveBackAfter(this.consumption && this.tell(this.consumption));
  }

  release(): void {
    this.isHeld = false;
    void this.adapt();
  }

  setRoom(count: number): void {
    this.room = count;
    void this.adapt();
  }

  setTakenOver(count: number): void {
    this.takenOver = count;
    void this.adapt();
  }

  refresh(maxAgeMs: number): void {
    if (this.line.age(clock.elapsed()) >= maxAgeMs) this.giveBack();
  }

  share(): void {
    this.prefetch.stalled(clock.elapsed());
    void this.adapt();
  }

  /** What was taken over leaves room at the broker, and none here. */
  private get wanted(): number {
    return this.isHeld ? 1 : Math.max(0, this.prefetch.current + this.room - this.takenOver);
  }

  private adapt(): Promise<void> | undefined {
    return this.stopped || this.isHeld ? undefined : this.consumption && this.tell(this.consumption);
  }

  private tell(consumption: Consumption): Promise<void> {
    return consumption.setPrefetch(this.wanted, this.limit);
  }

  /** One consumer more: how long that takes says how far away the broker is. One that need not be asked says nothing. */
  private async grow(): Promise<void> {
    const since = clock.elapsed();
    await this.adapt();
    const tookMs = clock.elapsed() - since;
    if (tookMs > LEAST_ROUND_TRIP_MS) this.prefetch.tookRoundTrip(tookMs / STEPS_TO_GROW);
  }

  private stalled(): void {
    this.host.shareRoom();
    this.prefetch.stalled(clock.elapsed());
    this.giveBackAfter(this.adapt());
  }

  /** Before the broker knows that fewer are wanted, what is given back comes again at once. */
  private giveBackAfter(lowered: Promise<void> | undefined): void {
    void Promise.resolve(lowered).then(() => this.giveBack());
  }

  private giveBack(): void {
    for (const delivery of this.line.takeAll()) delivery.requeue();
  }
}
