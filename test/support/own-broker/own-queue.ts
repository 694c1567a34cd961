import type { BrowseAnswer, BrowseOptions, BrowseResult, BrowseVisit, ConsumeOptions, Consumption, Delivery, Message } from '../../../lib/index.js';
import { MOST_BROWSED, MOST_BROWSED_BYTES } from '../../../lib/index.js';

export interface Kept extends Message {
  readonly exchange: string;
  readonly routingKey: string;
  readonly order: number;
  redelivered: boolean;
}

export type OnDelivery = (delivery: Delivery) => void;

/** One queue in memory: what waits in order, and who takes it. */
export class OwnQueue {
  readonly keys = new Set<string>();
  waiting: Kept[] = [];
  private readonly consumers: OwnConsumption[] = [];
  private walking: Promise<unknown> = Promise.resolve();
  private isPumping = false;

  constructor(readonly name: string, readonly type: string, private readonly failed: (error: unknown) => void) {}

  push(message: Kept): void {
    this.waiting.push(message);
    this.pump();
  }

  /** To its old place. */
  putBack(message: Kept): void {
    const at = this.waiting.findIndex(({ order }) => order > message.order);
    this.waiting.splice(at < 0 ? this.waiting.length : at, 0, message);
    this.pump();
  }

  consume(options: ConsumeOptions, onDelivery: OnDelivery): OwnConsumption {
    const consumption = new OwnConsumption(this, options.prefetch, (delivery) => {
      try {
        onDelivery(delivery);
      } catch (error) {
        delivery.requeue();
        this.failed(error);
      }
    });
    this.consumers.push(consumption);
    this.pump();
    return consumption;
  }

  remove(consumption: OwnConsumption): void {
    const at = this.consumers.indexOf(consumption);
    if (at >= 0) this.consumers.splice(at, 1);
  }

  close(): void {
    for (const consumption of [...this.consumers]) consumption.end();
    this.waiting = [];
  }

  /** Never in the call of whoever publishes. */
  pump(): void {
    if (this.isPumping) return;
    this.isPumping = true;
    setImmediate(() => {
      this.isPumping = false;
      for (let next = this.next(); next !== undefined && this.waiting.length > 0; next = this.next()) next.deliver(this.waiting.shift() as Kept);
    });
  }

  /** One walk at a time. */
  browse(visit: BrowseVisit, options: BrowseOptions = {}): Promise<BrowseResult> {
    const walk = this.walking.then(() => this.walk(visit, options));
    this.walking = walk.catch(() => undefined);
    return walk;
  }

  private async walk(visit: BrowseVisit, { maxHeld = MOST_BROWSED, maxHeldBytes = MOST_BROWSED_BYTES }: BrowseOptions): Promise<BrowseResult> {
    const held: Kept[] = [];
    const last = this.waiting.at(-1)?.order ?? -1;
    let [bytes, visited, removed] = [0, 0, 0];
    try {
      for (let next = this.waiting[0]; next !== undefined && next.order <= last; next = this.waiting[0]) {
        this.waiting.shift();
        held.push(next);
        const answer: BrowseAnswer = await visit(next, visited++);
        if (answer === 'remove') {
          held.pop();
          removed++;
          continue;
        }
        bytes += next.body.length;
        if (answer === 'stop') return { visited, removed, end: 'stopped' };
        if (held.length >= maxHeld || bytes >= maxHeldBytes) return { visited, removed, end: 'limit' };
      }
      return { visited, removed, end: 'all' };
    } finally {
      for (const one of held) this.putBack(one);
    }
  }

  /** In turn, of those with room. */
  private next(): OwnConsumption | undefined {
    const found = this.consumers.findIndex(({ hasRoom }) => hasRoom);
    const [next] = found < 0 ? [] : this.consumers.splice(found, 1);
    if (next !== undefined) this.consumers.push(next);
    return next;
  }
}

export class OwnConsumption implements Consumption {
  private readonly held = new Set<Kept>();
  private isStopped = false;

  constructor(private readonly queue: OwnQueue, private prefetch: number, private readonly onDelivery: OnDelivery) {}

  get hasRoom(): boolean { return !this.isStopped && this.held.size < this.prefetch; }

  deliver(kept: Kept): void {
    this.held.add(kept);
    const { body, properties, exchange, routingKey, redelivered } = kept;
    this.onDelivery({
      body, properties, exchange, routingKey, redelivered, queue: this.queue.name,
      ack: () => this.settle(kept, false), requeue: () => this.settle(kept, true),
    });
  }

  setPrefetch(prefetch: number): Promise<void> {
    this.prefetch = prefetch;
    this.queue.pump();
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.isStopped = true;
    this.queue.remove(this);
    return Promise.resolve();
  }

  async close(): Promise<void> {
    await this.stop();
    for (const kept of [...this.held]) this.settle(kept, true);
  }

  /** The broker closes: all settlements come too late. */
  end(): void {
    void this.stop();
    this.held.clear();
  }

  private settle(kept: Kept, goesBack: boolean): boolean {
    if (!this.held.delete(kept)) return false;
    if (goesBack) {
      kept.redelivered = true;
      this.queue.putBack(kept);
    } else this.queue.pump();
    return true;
  }
}
