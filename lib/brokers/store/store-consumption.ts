import type { BrokerEvent, ConsumeOptions, Consumption, Delivery } from '../broker.js';
import { atMost, type Clock } from './clock.js';
import { StoreDelivery, type DeliveryOwner } from './store-delivery.js';
import type { QueueStore, Settlement, TakenMessage } from './queue-store.js';
import type { DispatchTarget, QueueDispatch } from './queue-dispatch.js';

/** How long a delivery rests whose `onDelivery` threw: a callback that always throws must not spin. */
const CALLBACK_FAILED_PAUSE_MS = 100;

/** How long `close` waits for a disk that hangs; what was given back is written when it recovers. */
const CLOSE_LIMIT_MS = 10_000;

/** What a consumption needs of the broker that made it. */
export interface ConsumptionContext {
  readonly store: QueueStore;
  readonly dispatch: QueueDispatch;
  readonly clock: Clock;
  emit(event: BrokerEvent): void;
  /** It is closed: nobody needs to remember it any more. */
  closed(consumption: StoreConsumption): void;
}

/** One consumer of one queue: what it holds, and how much more it may. */
export class StoreConsumption implements Consumption, DispatchTarget, DeliveryOwner {
  private readonly unsettled = new Set<StoreDelivery>();
  private readonly resting = new Set<() => void>();
  private prefetch: number;
  private stopped = false;
  private closing: Promise<void> | undefined;

  constructor(
    readonly queue: string,
    options: ConsumeOptions,
    private readonly onDelivery: (delivery: Delivery) => void,
    private readonly context: ConsumptionContext,
  ) {
    this.prefetch = options.prefetch;
    context.dispatch.add(this);
  }

  free(): number {
    return this.stopped ? 0 : Math.max(0, this.prefetch - this.unsettled.size);
  }

  receive(taken: TakenMessage): void {
    const delivery = new StoreDelivery(this, taken);
    this.unsettled.add(delivery);
    try {
      this.onDelivery(delivery);
    } catch (error) {
      this.callbackFailed(delivery, error);
    }
  }

  settle(delivery: StoreDelivery, how: Settlement): boolean {
    if (!this.unsettled.delete(delivery)) return false;
    // In this order: what is taken next is written together with this settlement.
    if (!this.stopped) this.context.dispatch.wake();
    return this.context.store.settle(delivery.taken, how);
  }

  setPrefetch(prefetch: number): Promise<void> {
    if (prefetch !== this.prefetch) {
      this.prefetch = prefetch;
      this.context.dispatch.wake();
    }
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.stopped = true;
    this.context.dispatch.remove(this);
    return Promise.resolve();
  }

  close(): Promise<void> {
    return (this.closing ??= this.shutDown());
  }

  private async shutDown(): Promise<void> {
    await this.stop();
    for (const cancel of this.resting) cancel();
    this.resting.clear();
    for (const delivery of [...this.unsettled]) this.settle(delivery, 'requeue');
    this.context.closed(this);
    await atMost(CLOSE_LIMIT_MS, this.context.store.written(), this.context.clock);
  }

  private callbackFailed(delivery: StoreDelivery, error: unknown): void {
    const cancel = this.context.clock.after(CALLBACK_FAILED_PAUSE_MS, () => {
      this.resting.delete(cancel);
      this.settle(delivery, 'requeue');
    });
    this.resting.add(cancel);
    this.context.emit({ type: 'broker.callback-failed', queue: this.queue, error });
  }
}
