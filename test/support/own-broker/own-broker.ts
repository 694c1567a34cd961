import { BehaviorSubject, Subject } from 'rxjs';
import {
  BrokerError, type BeforeRemoval, type BeforeUndelivered, type Broker, type BrokerAddress, type BrokerEvent, type BrokerPublishOptions, type BrokerState, type BrowseOptions, type BrowseResult, type BrowseVisit,
  ConfigurationError, type ConsumeOptions, type Consumption, type Message, type MessageProperties, ShutdownError, type SignalSubscription, type Topology, TopologyMismatchError, UnroutableTaskError,
} from '../../../lib/index.js';
import { OwnDelays } from './own-delays.js';
import { type OnDelivery, OwnQueue } from './own-queue.js';

const MOST_BROADCAST_BYTES = 1024 * 1024;

/** A broker as somebody else would write one, by the public API alone: in the memory of its object. */
export class OwnBroker implements Broker {
  readonly states = new BehaviorSubject<BrokerState>({ status: 'idle', since: Date.now() });
  readonly events = new Subject<BrokerEvent>();
  private readonly queues = new Map<string, OwnQueue>();
  private readonly signals = new Set<() => void>();
  private readonly topics = new Map<string, Set<(message: Buffer) => void>>();
  private readonly delays: OwnDelays;
  private order = 0;

  constructor(private readonly exchange: string) {
    this.delays = new OwnDelays(exchange, {
      routed: (message, address) => this.route(message, address), declare: (topology) => this.declare(topology), warn: (message) => this.events.next({ type: 'broker.warning', message }),
    });
  }

  get state(): BrokerState { return this.states.value; }

  connect(): Promise<void> {
    this.refuseClosed();
    this.become('connecting');
    this.become('ready');
    this.events.next({ type: 'broker.connected', attempt: 1 });
    return Promise.resolve();
  }

  async declare({ queues }: Topology): Promise<void> {
    this.refuseClosed();
    for (const { name, type = 'classic', bindingKeys = [] } of queues) {
      const queue = this.queues.get(name) ?? new OwnQueue(name, type, (error) => this.events.next({ type: 'broker.callback-failed', queue: name, error }));
      if (queue.type !== type) throw new TopologyMismatchError(`The queue "${name}" is of the type ${queue.type}, not ${type}.`, { queue: name });
      this.queues.set(name, queue);
      for (const key of bindingKeys) queue.keys.add(key);
    }
  }

  async publish({ body, properties }: Message, address: BrokerAddress, { delayMs = 0 }: BrokerPublishOptions = {}): Promise<void> {
    this.refuseClosed();
    const copy = { body: Buffer.from(body), properties: structuredClone({ ...properties }) };
    this.delays.check(delayMs);
    if (delayMs > 0 && ('routingKey' in address || this.queues.has(address.queue))) this.delays.add(copy, address, delayMs);
    else if (!this.route(copy, address)) throw new UnroutableTaskError(`No queue takes ${'queue' in address ? `what is for "${address.queue}"` : `the key "${address.routingKey}"`}.`, { ...address });
  }

  async consume(name: string, options: ConsumeOptions, onDelivery: OnDelivery): Promise<Consumption> {
    this.refuseClosed();
    const queue = this.queues.get(name);
    if (queue === undefined) throw new ConfigurationError(`There is no queue "${name}".`, { queue: name });
    return queue.consume(options, onDelivery);
  }

  async depth(name: string): Promise<number | undefined> {
    return this.queues.get(name)?.waiting.length;
  }

  async first(name: string): Promise<MessageProperties | undefined> {
    return this.queues.get(name)?.waiting[0]?.properties;
  }

  async delayedCount(): Promise<number> { return this.delays.count; }

  async delayedWithin(boundsMs: readonly number[]): Promise<number[]> { return this.delays.within(boundsMs); }

  async browse(name: string, visit: BrowseVisit, options?: BrowseOptions): Promise<BrowseResult> {
    return this.named(name).browse(visit, options);
  }

  async purge(name: string, beforeRemoval?: BeforeRemoval): Promise<number> {
    const { removed } = await this.named(name).browse(async (message) => {
      await beforeRemoval?.(message);
      return 'remove' as const;
    });
    return removed;
  }

  beforeUndelivered(tell: BeforeUndelivered): void { this.delays.tell = tell; }

  async signal(): Promise<void> {
    for (const onSignal of this.signals) setImmediate(() => { if (this.signals.has(onSignal)) onSignal(); });
  }

  async watchSignals(onSignal: () => void): Promise<SignalSubscription> {
    // The same function may watch twice.
    const own = (): void => onSignal();
    this.signals.add(own);
    return { stop: async () => { this.signals.delete(own); } };
  }

  async broadcast(topic: string, message: Buffer): Promise<void> {
    this.refuseClosed();
    if (message.length > MOST_BROADCAST_BYTES) throw new BrokerError('ERR_DISPATCHER_BROADCAST_TOO_LARGE', `A broadcast has at most ${MOST_BROADCAST_BYTES} bytes, not ${message.length}.`, { topic });
    const watching = this.topics.get(topic) ?? [];
    for (const listener of watching) setImmediate(() => { if (this.topics.get(topic)?.has(listener) === true) listener(message); });
  }

  async watchBroadcasts(topic: string, onMessage: (message: Buffer) => void): Promise<SignalSubscription> {
    const listener = (message: Buffer): void => {
      try {
        onMessage(message);
      } catch (error) {
        this.events.next({ type: 'broker.warning', message: `A listener of "${topic}" failed: ${String(error)}` });
      }
    };
    const watching = this.topics.get(topic) ?? new Set();
    this.topics.set(topic, watching.add(listener));
    return { stop: async () => { watching.delete(listener); } };
  }

  async close(): Promise<void> {
    if (this.state.status === 'closed') return;
    this.become('closing');
    this.delays.stop();
    for (const queue of this.queues.values()) queue.close();
    this.signals.clear();
    this.topics.clear();
    this.become('closed');
    this.states.complete();
    this.events.complete();
  }

  /** False where no queue takes it. */
  private route({ body, properties }: Message, address: BrokerAddress): boolean {
    const [exchange, routingKey] = 'queue' in address ? ['', address.queue] : [this.exchange, address.routingKey];
    const found = 'queue' in address ? [this.queues.get(address.queue)].flatMap((queue) => queue ?? []) : [...this.queues.values()].filter(({ keys }) => keys.has(address.routingKey));
    for (const queue of found) queue.push({ body, properties: structuredClone(properties), exchange, routingKey, order: this.order++, redelivered: false });
    return found.length > 0;
  }

  private named(name: string): OwnQueue {
    this.refuseClosed();
    const queue = this.queues.get(name);
    if (queue === undefined) throw new BrokerError('ERR_DISPATCHER_NOT_FOUND', `There is no queue "${name}".`, { queue: name });
    return queue;
  }

  private become(status: BrokerState['status']): void {
    this.states.next({ status, since: Date.now() });
  }

  private refuseClosed(): void {
    if (['closing', 'closed'].includes(this.state.status)) throw new ShutdownError('The broker is closed.');
  }
}
