import { BehaviorSubject, merge, Subject, type Observable } from 'rxjs';
import type {
  Address, BeforeRemoval, Broker, BrokerEvent, BrokerState, BrowseOptions, BrowseResult, BrowseVisit, Message, PublishOptions, Topology,
} from '../brokers/broker.js';
import { GuardedBroker } from '../dispatcher/guarded-broker.js';
import { BrokerUnavailableError, type DispatcherError } from '../errors.js';
import { clock } from '../time/clock.js';

/** What the kit does around a dispatcher's broker. */
export interface BrokerWatch {
  declared(topology: Topology): void;
  published(message: Message, address: Address, options: PublishOptions | undefined): void;
  /** What is published now is not to go anywhere. */
  swallows(message: Message, address: Address): boolean;
  /** Its delay is not waited out. */
  isAtOnce(message: Message, address: Address): boolean;
  closed(): void;
}

/** A broker in memory whose connection can be lost and come back, and which tells of what is published. */
export class TestingBroker extends GuardedBroker {
  override readonly states: Observable<BrokerState>;
  override readonly events: Observable<BrokerEvent>;
  private readonly changed: BehaviorSubject<BrokerState>;
  private readonly happened = new Subject<BrokerEvent>();
  private lost: DispatcherError | undefined;
  private readonly waiting = new Set<() => void>();

  constructor(broker: Broker, private readonly watch: BrokerWatch, private readonly publishTimeoutMs: number) {
    super(broker, () => undefined);
    this.changed = new BehaviorSubject(broker.state);
    broker.states.subscribe({ next: (state) => this.changed.next(state), complete: () => this.changed.complete() });
    this.states = this.changed.asObservable();
    this.events = merge(broker.events, this.happened);
  }

  override get state(): BrokerState {
    return this.changed.value;
  }

  /** @param reason for people */
  down(reason: string): void {
    if (this.lost !== undefined) return;
    this.lost = new BrokerUnavailableError(reason);
    this.changed.next({ status: 'lost', since: clock.now(), cause: this.lost });
    this.happened.next({ type: 'broker.connection-lost', error: this.lost });
  }

  up(): void {
    if (this.lost === undefined) return;
    this.lost = undefined;
    this.changed.next({ status: 'ready', since: clock.now() });
    this.happened.next({ type: 'broker.connected', attempt: 1 });
    for (const goOn of this.waiting) goOn();
    this.waiting.clear();
  }

  override async publish(message: Message, address: Address, options?: PublishOptions): Promise<void> {
    const since = clock.elapsed();
    await this.connected();
    if (this.watch.swallows(message, address)) return;
    // What has waited here for the connection has waited out that much of its delay.
    const delayMs = Math.max(0, (options?.delayMs ?? 0) - (clock.elapsed() - since));
    await super.publish(message, address, delayMs > 0 && !this.watch.isAtOnce(message, address) ? { delayMs } : undefined);
    this.watch.published(message, address, options);
  }

  override async declare(topology: Topology): Promise<void> {
    await this.connected();
    await super.declare(topology);
    this.watch.declared(topology);
  }

  override async depth(queue: string): Promise<number | undefined> {
    this.refuseWhileLost();
    return super.depth(queue);
  }

  override async delayedCount(certain?: boolean): Promise<number> {
    this.refuseWhileLost();
    return super.delayedCount(certain);
  }

  override async delayedWithin(boundsMs: readonly number[]): Promise<number[]> {
    this.refuseWhileLost();
    return super.delayedWithin(boundsMs);
  }

  override async browse(queue: string, visit: BrowseVisit, options?: BrowseOptions): Promise<BrowseResult> {
    this.refuseWhileLost();
    return super.browse(queue, visit, options);
  }

  override async purge(queue: string, beforeRemoval?: BeforeRemoval): Promise<number> {
    this.refuseWhileLost();
    return super.purge(queue, beforeRemoval);
  }

  override async broadcast(topic: string, message: Buffer): Promise<void> {
    this.refuseWhileLost();
    return super.broadcast(topic, message);
  }

  override async close(deadlineMs: number): Promise<void> {
    this.lost = undefined;
    await super.close(deadlineMs);
    this.happened.complete();
    this.watch.closed();
  }

  private refuseWhileLost(): void {
    if (this.lost !== undefined) throw this.lost;
  }

  /** Waits for the connection, for as long as a publish may. @throws BrokerUnavailableError */
  private async connected(): Promise<void> {
    const { lost } = this;
    if (lost === undefined) return;
    await new Promise<void>((resolve, reject) => {
      const goOn = (): void => {
        clock.clear(timer);
        resolve();
      };
      const timer = clock.setTimeout(() => {
        this.waiting.delete(goOn);
        reject(lost);
      }, this.publishTimeoutMs);
      this.waiting.add(goOn);
    });
    return this.connected();
  }
}
