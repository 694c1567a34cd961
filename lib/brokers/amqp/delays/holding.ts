import { DelayedHeap } from '../../../time/delayed-heap.js';
import { clock, type ClockTimer } from '../../../time/clock.js';
import type { AmqpDelivery } from '../consuming/amqp-delivery.js';
import { type Delayed, withoutDelayed } from './delayed-header.js';
import type { ForwarderConsumption } from './forwarder-consumption.js';
import type { Forwarding } from './forwarding.js';
import { FIRST_PREFETCH, NearRoom } from './near-room.js';

/** So late is nobody who has nothing else to do. */
const LATE_MS = 250;
const LOOK_BACK_MS = 30_000;

/** In hand until its time; `dueAt` by the clock that nobody sets. */
interface Held {
  readonly dueAt: number;
  readonly order: number;
  readonly delivery: AmqpDelivery;
  readonly delayed: Delayed;
}

/**
 * Holds deliveries of one queue unacknowledged in the order of their times, and forwards each when it is due. What it holds goes
 * back to the queue when its process or its connection ends, and others take it.
 */
export class Holding {
  private readonly held = new DelayedHeap<Held>();
  private readonly room = new NearRoom();
  private order = 0;
  private bytes = 0;
  private timer: ClockTimer | undefined;
  private firesAt = Infinity;
  private looking: ClockTimer | undefined;

  constructor(private readonly consumption: ForwarderConsumption, private readonly forwarding: Forwarding) {}

  /** How many are in hand: the broker counts them no more. */
  get count(): number {
    return this.held.size;
  }

  /** What is in hand goes back when the consumption closes. */
  stop(): void {
    clock.clear(this.timer);
    clock.clear(this.looking);
    this.timer = this.looking = undefined;
    this.firesAt = -Infinity;
  }

  /** @param restMs until it is due, at most 0 where it is */
  take(delivery: AmqpDelivery, delayed: Delayed, restMs: number): void {
    const now = clock.elapsed();
    if (restMs <= 0) this.forward(delivery, delayed);
    else this.hold({ dueAt: now + restMs, order: this.order++, delivery, delayed });
    const { outstanding } = this.consumption;
    if (outstanding >= this.room.prefetch && this.room.widen({ outstanding, bytes: this.bytes, isBehind: (this.held.peek()?.dueAt ?? 0) <= now })) this.tell();
  }

  private hold(held: Held): void {
    this.held.push(held);
    this.bytes += held.delivery.body.length;
    this.arm(held.dueAt);
  }

  private arm(dueAt: number): void {
    if (dueAt >= this.firesAt) return;
    clock.clear(this.timer);
    this.firesAt = dueAt;
    this.timer = clock.setTimeout(() => this.fired(), Math.max(0, Math.ceil(dueAt - clock.elapsed())));
  }

  private fired(): void {
    this.firesAt = Infinity;
    const now = clock.elapsed();
    let late = false;
    for (let first = this.held.peek(); first !== undefined && first.dueAt <= now; first = this.held.peek()) {
      this.held.pop();
      this.bytes -= first.delivery.body.length;
      late ||= now - first.dueAt > LATE_MS;
      // Somebody else has it by now.
      if (!first.delivery.isLost) this.forward(first.delivery, first.delayed);
    }
    const next = this.held.peek();
    if (next !== undefined) this.arm(next.dueAt);
    if (late && this.room.fellBehind(now)) this.tell();
  }

  private forward(delivery: AmqpDelivery, delayed: Delayed): void {
    void this.forwarding.take(delivery, () => this.forwarding.hand(withoutDelayed(delivery), delayed));
  }

  private tell(): void {
    if (this.forwarding.signal.aborted) return;
    this.consumption.setPrefetch(this.room.prefetch);
    this.looking ??= clock.setLook(() => this.lookBack(), LOOK_BACK_MS);
  }

  private lookBack(): void {
    this.looking = undefined;
    const changed = this.room.lookBack(this.consumption.outstanding);
    if (changed || this.room.prefetch > FIRST_PREFETCH) this.tell();
  }
}
