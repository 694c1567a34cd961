import type { Observable } from 'rxjs';
import type { Address, BeforeRemoval, BeforeUndelivered, Broker, BrokerEvent, BrokerState, BrowseOptions, BrowseResult, BrowseVisit, ConsumeOptions, Consumption, Delivery, Message, PublishOptions, SignalSubscription, Topology } from '../brokers/broker.js';
import type { DispatcherError } from '../errors.js';

/** What must not be published, and why. `undefined`: this may. */
export type Guard = (message: Message, address: Address) => DispatcherError | undefined;

/** Bodies that are kept elsewhere. */
export interface Cloakroom {
  /** What travels in the place of this message. `undefined`: it travels itself. */
  leave(message: Message, address: Address): Promise<Message> | undefined;
  /** What was made of it could not be published. */
  unsent(left: Message, error: unknown): void;
}

/** All of the port, so that what is added to it, optional or not, is thought of here. */
type WholeBroker = { readonly [Name in keyof Required<Broker>]: Broker[Name] };

/** A broker that is asked through a guard to publish, whoever asks; all else goes to the broker as it is. */
export class GuardedBroker implements WholeBroker {
  readonly states: Observable<BrokerState>;
  readonly events: Observable<BrokerEvent>;
  readonly openReplies: Broker['openReplies'];
  readonly first: Broker['first'];

  constructor(private readonly broker: Broker, private readonly guard: Guard, private readonly cloakroom?: Cloakroom) {
    this.states = broker.states;
    this.events = broker.events;
    this.openReplies = broker.openReplies?.bind(broker);
    this.first = broker.first?.bind(broker);
  }

  get state(): BrokerState {
    return this.broker.state;
  }

  publish(message: Message, address: Address, options?: PublishOptions): Promise<void> {
    const refusal = this.guard(message, address);
    if (refusal !== undefined) return Promise.reject(refusal);
    const leaving = this.cloakroom?.leave(message, address);
    return leaving === undefined ? this.broker.publish(message, address, options) : this.publishLeft(leaving, address, options);
  }

  connect(): Promise<void> {
    return this.broker.connect();
  }

  declare(topology: Topology): Promise<void> {
    return this.broker.declare(topology);
  }

  consume(queue: string, options: ConsumeOptions, onDelivery: (delivery: Delivery) => void): Promise<Consumption> {
    return this.broker.consume(queue, options, onDelivery);
  }

  depth(queue: string): Promise<number | undefined> {
    return this.broker.depth(queue);
  }

  delayedCount(certain?: boolean): Promise<number> {
    return this.broker.delayedCount(certain);
  }

  delayedWithin(boundsMs: readonly number[]): Promise<number[]> {
    return this.broker.delayedWithin(boundsMs);
  }

  browse(queue: string, visit: BrowseVisit, options?: BrowseOptions): Promise<BrowseResult> {
    return this.broker.browse(queue, visit, options);
  }

  purge(queue: string, beforeRemoval?: BeforeRemoval): Promise<number> {
    return this.broker.purge(queue, beforeRemoval);
  }

  beforeUndelivered(tell: BeforeUndelivered): void {
    this.broker.beforeUndelivered(tell);
  }

  signal(): Promise<void> {
    return this.broker.signal();
  }

  watchSignals(onSignal: () => void): Promise<SignalSubscription> {
    return this.broker.watchSignals(onSignal);
  }

  broadcast(topic: string, message: Buffer): Promise<void> {
    return this.broker.broadcast(topic, message);
  }

  watchBroadcasts(topic: string, onMessage: (message: Buffer) => void): Promise<SignalSubscription> {
    return this.broker.watchBroadcasts(topic, onMessage);
  }

  close(deadlineMs: number): Promise<void> {
    return this.broker.close(deadlineMs);
  }

  private async publishLeft(leaving: Promise<Message>, address: Address, options: PublishOptions | undefined): Promise<void> {
    const left = await leaving;
    try {
      await this.broker.publish(left, address, options);
    } catch (error) {
      this.cloakroom?.unsent(left, error);
      throw error;
    }
  }
}
