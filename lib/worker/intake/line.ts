import type { Broker, Consumption, Delivery } from '../../brokers/broker.js';
import { WaitingDeliveries } from '../waiting-deliveries.js';
import { type DeliveryLine, LineDelivery } from './line-delivery.js';

/** A queue of which so many waited here at once, or half of what may, has more. */
const DEEP = 16;

/** One of the queues of a worker: its consumption, and what waits here of it. */
export class Line implements DeliveryLine {
  readonly waiting = new WaitingDeliveries();
  /** Delivered and not settled. */
  out = 0;
  /** How many were asked for, for slots that are free. */
  asked = 0;
  /** Since when something is wanted of it, by the clock of the process; 0: nothing is. */
  wantedAt = 0;
  /** It was asked, and nothing came. */
  isEmpty = false;
  /** The most that waited here since it was last found dry. */
  private peak = 0;
  private prefetch = 0;
  /** Of what is out, so many run at once; the rest waits here. */
  private running: number | undefined;
  /** Resolves when the broker knows the prefetch. */
  private told: Promise<void> = Promise.resolve();
  private consumption: Consumption | undefined;
  private readonly halted: Consumption[] = [];

  /** @param share of all starts while every line has tasks, from 0 to 1 */
  constructor(readonly queue: string, readonly share: number, private readonly onDelivery: (line: Line, delivery: LineDelivery) => void) {}

  async open(broker: Broker, tag: string): Promise<void> {
    const asked = this.prefetch;
    this.consumption = await broker.consume(this.queue, { tag, prefetch: asked, running: this.running }, (delivery) => this.onDelivery(this, new LineDelivery(this, delivery)));
    if (this.prefetch !== asked) this.told = this.consumption.setPrefetch(this.prefetch, this.running);
  }

  /**
   * @param prefetch 0: nothing more for now
   * @param running of these at once; default: all
   */
  setPrefetch(prefetch: number, running?: number): void {
    if (prefetch === this.prefetch) return;
    this.prefetch = prefetch;
    this.running = running;
    if (this.consumption !== undefined) this.told = this.consumption.setPrefetch(prefetch, running);
  }

  /** One for each slot that waits for it, beside those that are out already. */
  expect(): void {
    this.setPrefetch(this.out + Math.max(1, this.asked));
  }

  /** Nothing waits here, but the broker has more: it is on its way. */
  get isFlowing(): boolean {
    return this.peak >= Math.min(DEEP, this.prefetch / 2);
  }

  push(delivery: Delivery): void {
    this.waiting.push(delivery);
    if (this.waiting.size > this.peak) this.peak = this.waiting.size;
  }

  /** It was its turn and nothing was here: it has to show again that there is more. */
  foundDry(): void {
    this.peak = 0;
  }

  presumeFlowing(): void {
    this.peak = DEEP;
  }

  async halt(): Promise<void> {
    const { consumption } = this;
    this.consumption = undefined;
    if (consumption !== undefined) this.halted.push(consumption);
    await consumption?.stop();
  }

  closeHalted(): void {
    for (const consumption of this.halted.splice(0)) void consumption.close();
  }

  async close(): Promise<void> {
    await Promise.all([this.consumption?.close(), ...this.halted.map((consumption) => consumption.close())]);
  }

  /** To the broker, all that wait; once it knows how many are wanted, or they would come again at once. */
  async giveBack(): Promise<void> {
    await this.told;
    for (const delivery of this.waiting.takeAll()) delivery.requeue();
  }
}
