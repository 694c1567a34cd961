import { BehaviorSubject, Subject } from 'rxjs';
import type {
  Address, Broker, BrokerEvent, BrokerState, BrowseResult, Consumption, ConsumeOptions, Delivery, Message, MessageProperties, PublishOptions, SignalSubscription, Topology,
} from '../../lib/brokers/broker.js';

/** What happened to one delivery that a test handed out. */
export class ScriptedDelivery implements Delivery {
  readonly queue = 'work';
  readonly exchange = 'tasks';
  readonly routingKey = 'key';
  settled: 'ack' | 'requeue' | undefined;
  stale = false;
  onSettled: () => void = () => undefined;

  constructor(readonly body: Buffer, readonly properties: MessageProperties = {}, readonly redelivered = false) {}

  ack(): boolean { return this.settle('ack'); }
  requeue(): boolean { return this.settle('requeue'); }

  private settle(how: 'ack' | 'requeue'): boolean {
    if (this.stale || this.settled !== undefined) return false;
    this.settled = how;
    this.onSettled();
    return true;
  }
}

/** A broker that does nothing by itself: the test hands out deliveries and decides what a publish meets. */
export class ScriptedBroker implements Broker {
  readonly states = new BehaviorSubject<BrokerState>({ status: 'ready', since: 0 });
  readonly events = new Subject<BrokerEvent>();
  readonly published: { message: Message; address: Address; options?: PublishOptions }[] = [];
  readonly declared: Topology[] = [];
  readonly prefetches: number[] = [];
  onPublish: (message: Message, address: Address) => Promise<void> = () => Promise.resolve();
  /** Called before the worker has heard that it consumes. */
  onConsume: () => void = () => undefined;
  /** Called while the worker waits for the end of its consumer. */
  onStop: () => void = () => undefined;
  stopped = 0;
  closed = 0;
  private onDelivery: (delivery: Delivery) => void = () => undefined;

  get state(): BrokerState { return this.states.value; }
  connect(): Promise<void> { return Promise.resolve(); }
  declare(topology: Topology): Promise<void> { this.declared.push(topology); return Promise.resolve(); }

  async publish(message: Message, address: Address, options?: PublishOptions): Promise<void> {
    await this.onPublish(message, address);
    this.published.push({ message, address, options });
  }

  consume(_queue: string, options: ConsumeOptions, onDelivery: (delivery: Delivery) => void): Promise<Consumption> {
    this.prefetches.push(options.prefetch);
    this.onDelivery = onDelivery;
    this.onConsume();
    return Promise.resolve({
      setPrefetch: (prefetch: number) => { this.prefetches.push(prefetch); return Promise.resolve(); },
      stop: () => { this.stopped++; this.onStop(); return Promise.resolve(); },
      close: () => { this.closed++; return Promise.resolve(); },
    });
  }

  depth(): Promise<number | undefined> { return Promise.resolve(0); }
  beforeUndelivered(): void { /* it delays nothing by itself */ }
  signal(): Promise<void> { return Promise.resolve(); }
  watchSignals(): Promise<SignalSubscription> { return Promise.resolve({ stop: () => Promise.resolve() }); }
  broadcast(): Promise<void> { return Promise.resolve(); }
  watchBroadcasts(): Promise<SignalSubscription> { return Promise.resolve({ stop: () => Promise.resolve() }); }
  delayedCount(): Promise<number> { return Promise.resolve(0); }
  delayedWithin(boundsMs: readonly number[]): Promise<number[]> { return Promise.resolve([...boundsMs.map(() => 0), 0]); }
  browse(): Promise<BrowseResult> { return Promise.resolve({ visited: 0, removed: 0, end: 'all' }); }
  purge(): Promise<number> { return Promise.resolve(0); }
  close(): Promise<void> { return Promise.resolve(); }

  deliver(delivery: ScriptedDelivery): ScriptedDelivery {
    this.onDelivery(delivery);
    return delivery;
  }
}
