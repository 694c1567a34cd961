import type { Broker, Delivery } from '../../brokers/broker.js';
import { clock } from '../../time/clock.js';
import { PrefetchPolicy } from '../prefetch-policy.js';
import type { Intake, IntakeHost } from './intake.js';
import { LineDelivery } from './line-delivery.js';
import { LEVEL_NAMES, LEVEL_WEIGHTS, sharesOf, type LinePlan } from './line-plan.js';
import { Line } from './line.js';
import { LineTurns } from './line-turns.js';
import { RefillClock } from './refill-clock.js';
import type { Sorter } from './sorter.js';
import { BATCH_STALL_MS, StallWatch } from './stall-watch.js';
import { AskingSupply, HeldSupply, KeptSupply, type Supply } from './supply.js';

/** How many deliveries are on their way into the queues of their names. */
const SORTED_AT_ONCE = 200;
/** What waits when a worker starts is sorted before anything starts, for so long: else the order of arrival would decide. */
const SORT_FIRST_MS = 2_000;
/** A pause waits so long for what is being sorted. */
const HALT_LIMIT_MS = 5_000;

/**
 * The queues of one worker, whose tasks start in shares by weight. How deliveries come is a {@link Supply}: kept here
 * ahead while tasks are short; asked for one by one while they are long, so that no task waits here for hours that
 * another worker could run.
 */
export class LinesIntake implements Intake {
  private readonly main: Line;
  private readonly lines: readonly Line[];
  /** All but a main queue that is sorted. */
  private readonly runnable: readonly Line[];
  private readonly turns: LineTurns;
  private readonly policy: PrefetchPolicy;
  private readonly stall: StallWatch;
  private readonly clock = new RefillClock();
  private supply: Supply | undefined;
  private isHeld = false;
  private room = 0;
  private stopped = false;
  private sortingFirst: AbortController | undefined;

  /** @param sorter for the main queue, where tasks have weights */
  constructor(
    private readonly broker: Broker, queue: string, private readonly tag: string, plans: readonly LinePlan[],
    private limit: number, private readonly host: IntakeHost, private readonly sorter?: Sorter,
  ) {
    const main = { queue, level: 'normal' as const, weight: 1 };
    const shares = sharesOf(sorter === undefined ? [main, ...plans] : plans);
    const lineOf = (name: string): Line => new Line(name, shares.get(name) ?? 0, (line, delivery) => this.arrived(line, delivery));
    this.main = lineOf(queue);
    const others = plans.map((plan) => ({ ...plan, line: lineOf(plan.queue) }));
    const all = [{ ...main, line: this.main }, ...others];
    this.lines = all.map(({ line }) => line);
    this.runnable = sorter === undefined ? this.lines : others.map(({ line }) => line);
    this.turns = new LineTurns(LEVEL_NAMES.map((level) => ({ weight: LEVEL_WEIGHTS[level], lines: all.filter((one) => one.level === level) })));
    this.policy = new PrefetchPolicy(limit);
    this.stall = new StallWatch(() => host.ended, () => this.kept === 0 || !host.isTaking || this.isHeld, () => this.stalled(), () => (this.room > 0 ? BATCH_STALL_MS : 0));
    // What is not sorted of it waits for a turn; nothing is asked of it.
    if (sorter !== undefined) this.main.isEmpty = true;
  }

  get waiting(): number { return this.kept + (this.sorter?.moving ?? 0); }

  async open(): Promise<void> {
    if (this.sorter !== undefined) this.main.setPrefetch(SORTED_AT_ONCE);
    this.adapt();
    const opened = await Promise.allSettled(this.lines.map((line) => line.open(this.broker, this.tag)));
    const failure = opened.find((one) => one.status === 'rejected');
    if (failure !== undefined) {
      this.shutSupply();
      await Promise.all(this.lines.map((line) => line.close()));
      throw failure.reason;
    }
    if (this.sorter !== undefined) void this.sortFirst(this.sorter);
    else this.host.fill();
  }

  async halt(limitMs = HALT_LIMIT_MS): Promise<void> {
    this.sortingFirst?.abort();
    this.shutSupply();
    await Promise.all(this.lines.map((line) => line.halt()));
    await this.giveBack(this.lines);
    await this.sorter?.idle(limitMs);
  }

  closeHalted(): void {
    for (const line of this.lines) line.closeHalted();
  }

  async stop(limitMs: number): Promise<void> {
    this.stopped = true;
    await this.halt(limitMs);
  }

  async close(): Promise<void> {
    this.stall.stop();
    this.sortingFirst?.abort();
    this.shutSupply();
    await Promise.all(this.lines.map((line) => line.close()));
  }

  keep(delivery: Delivery): void {
    (delivery as LineDelivery).line.push(delivery);
    if (!this.isHeld) this.stall.start();
  }

  next(): Delivery | undefined {
    return this.sortingFirst === undefined ? this.supply?.next() : undefined;
  }

  observe(durationMs: number): void {
    if (this.policy.observe(durationMs) !== undefined) this.adapt();
  }

  setLimit(limit: number): void {
    this.limit = limit;
    this.policy.setLimit(limit);
    if (this.supply !== undefined) this.adapt();
  }

  hold(): void {
    this.isHeld = true;
    this.adapt();
    // Of a main queue that is sorted no less is wanted: what waits of it would come again at once.
    void this.giveBack(this.runnable);
  }

  release(): void {
    this.isHeld = false;
    if (this.supply !== undefined) this.adapt();
  }

  setRoom(count: number): void {
    this.room = count;
    if (this.supply !== undefined) this.adapt();
  }

  setTakenOver(): void {
    // While tasks are long, only what a free slot asks for comes.
  }

  refresh(maxAgeMs: number): void {
    const now = clock.elapsed();
    for (const line of this.lines) if (line.waiting.age(now) >= maxAgeMs) void line.giveBack();
  }

  share(): void {
    this.policy.stalled();
    if (this.supply !== undefined) this.adapt();
  }

  private get kept(): number {
    let kept = 0;
    for (const { waiting } of this.lines) kept += waiting.size;
    return kept;
  }

  private arrived(line: Line, delivery: LineDelivery): void {
    if (!this.host.isTaking || this.supply === undefined) {
      this.keep(delivery);
    } else if (this.host.renews(delivery)) {
      return;
    } else if (line !== this.main || this.sorter === undefined) {
      this.supply.arrived(line, delivery);
    } else if (!this.sorter.take(delivery)) {
      this.host.receive(delivery);
    }
  }

  /** The way in which deliveries come follows how long tasks take. */
  private adapt(): void {
    if (this.stopped) return;
    if (this.isHeld) {
      this.change(HeldSupply, () => new HeldSupply(this.turns, (delivery) => this.keep(delivery)));
      for (const line of this.runnable) line.setPrefetch(1);
    } else if (this.policy.current <= this.limit && this.room === 0) {
      this.change(AskingSupply, () => new AskingSupply(this.runnable, this.turns, this.clock, this.host));
    } else {
      if (this.supply instanceof AskingSupply) for (const line of this.runnable) if (!line.isEmpty) line.presumeFlowing();
      this.change(KeptSupply, () => new KeptSupply(this.turns, this.clock, this.host, (delivery) => this.keep(delivery)));
      this.grant();
    }
  }

  private change(kind: new (...dependencies: never[]) => Supply, make: () => Supply): void {
    if (this.supply instanceof kind) return;
    this.shutSupply();
    this.supply = make();
  }

  /** By their shares, since tasks that end at once start nearly as they come; and never fewer than could run. */
  private grant(): void {
    const all = (this.policy.current - this.limit) * 2 + this.limit * this.runnable.length;
    for (const line of this.runnable) line.setPrefetch(Math.max(this.limit + 1, Math.round(all * line.share)) + this.room, this.limit);
  }

  private shutSupply(): void {
    this.supply?.stop();
    this.supply = undefined;
  }

  private async sortFirst(sorter: Sorter): Promise<void> {
    const sorting = new AbortController();
    this.sortingFirst = sorting;
    await sorter.caughtUp(SORT_FIRST_MS, sorting.signal);
    this.sortingFirst = undefined;
    if (!sorting.signal.aborted) this.host.fill();
  }

  private stalled(): void {
    this.host.shareRoom();
    this.share();
    void this.giveBack(this.lines);
  }

  private async giveBack(lines: readonly Line[]): Promise<void> {
    await Promise.all(lines.map((line) => line.giveBack()));
  }
}
