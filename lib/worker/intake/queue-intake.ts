import type { Broker, Consumption, Delivery } from '../../brokers/broker.js';
import { clock } from '../../time/clock.js';
import { PrefetchPolicy } from '../prefetch-policy.js';
import { WaitingDeliveries } from '../waiting-deliveries.js';
import type { Intake, IntakeHost } from './intake.js';
import { StallWatch } from './stall-watch.js';

/** One queue, first in first out: the usual case, and the one that must cost nothing. */
export class QueueIntake implements Intake {
  private readonly line = new WaitingDeliveries();
  private readonly prefetch: PrefetchPolicy;
  private readonly stall: StallWatch;
  private readonly halted: Consumption[] = [];
  private consumption: Consumption | undefined;
  private isHeld = false;
  private takenOver = 0;
  private stopped = false;

  constructor(
    private readonly broker: Broker, private readonly queue: string, private readonly tag: string, limit: number,
    private readonly host: IntakeHost, private readonly names?: () => readonly string[],
  ) {
    this.prefetch = new PrefetchPolicy(limit);
    this.stall = new StallWatch(() => host.ended, () => this.line.size === 0 || !host.isTaking || this.isHeld, () => this.stalled());
  }

  get waiting(): number { return this.line.size; }

  async open(): Promise<void> {
    const asked = this.wanted;
    this.consumption = await this.broker.consume(this.queue, { tag: this.tag, prefetch: asked, ...(this.names === undefined ? {} : { names: this.names }) }, (delivery) => {
      if (!this.host.renews(delivery)) this.host.receive(delivery);
    });
    // Tasks may have ended before the broker's answer was here, and have changed the prefetch already.
    if (this.wanted !== asked) await this.consumption.setPrefetch(this.wanted);
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

  observe(durationMs: number): void {
    if (this.prefetch.observe(durationMs) !== undefined) void this.adapt();
  }

  setLimit(limit: number): void {
    this.prefetch.setLimit(limit);
    void this.adapt();
  }

  hold(): void {
    this.isHeld = true;
    this.giveBackAfter(this.consumption?.setPrefetch(1));
  }

  release(): void {
    this.isHeld = false;
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
    this.prefetch.stalled();
    void this.adapt();
  }

  /** What was taken over leaves room at the broker, and none here. */
  private get wanted(): number {
    return this.isHeld ? 1 : Math.max(0, this.prefetch.current - this.takenOver);
  }

  private adapt(): Promise<void> | undefined {
    return this.stopped || this.isHeld ? undefined : this.consumption?.setPrefetch(this.wanted);
  }

  private stalled(): void {
    this.prefetch.stalled();
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
