import { BehaviorSubject, Subject } from 'rxjs';
import type {
  Address, Broker, BrokerEvent, BrokerState, BrowseResult, BrowseVisit, Consumption, ConsumeOptions, Delivery, Message, SignalSubscription, Topology,
} from '../../lib/brokers/broker.js';
import { BrokerError, ShutdownError, UnroutableTaskError } from '../../lib/errors.js';

import { Arrivals } from './wait.js';

type OnDelivery = (delivery: Delivery) => void;

/** Queues and bindings in a few lines, for tests of what composes a broker. Writes down what it was asked. */
export class LoopbackBroker implements Broker {
  readonly states = new BehaviorSubject<BrokerState>({ status: 'idle', since: 0 });
  readonly events = new Subject<BrokerEvent>();
  readonly calls: string[] = [];
  readonly published: { message: Message; address: Address }[] = [];
  /** Acknowledged, in order. */
  readonly settled = new Arrivals<Message>();
  onConnect: () => Promise<void> = () => Promise.resolve();
  onPublish: (message: Message) => Promise<void> = () => Promise.resolve();
  private readonly queues = new Map<string, { keys: Set<string>; waiting: Message[]; consumers: Set<OnDelivery> }>();

  get state(): BrokerState { return this.states.value; }

  become(status: BrokerState['status']): void {
    this.states.next({ status, since: Date.now() });
  }

  async connect(): Promise<void> {
    this.calls.push('connect');
    this.become('connecting');
    await this.onConnect();
    this.become('ready');
  }

  declare({ queues }: Topology): Promise<void> {
    this.calls.push(`declare ${queues.map(({ name }) => name).join(' ')}`);
    for (const { name, bindingKeys = [] } of queues) {
      const queue = this.queues.get(name) ?? { keys: new Set(), waiting: [], consumers: new Set() };
      this.queues.set(name, queue);
      for (const key of bindingKeys) queue.keys.add(key);
    }
    return Promise.resolve();
  }

  async publish(message: Message, address: Address): Promise<void> {
    if (this.state.status === 'closed') throw new ShutdownError('closed');
    await this.onPublish(message);
    const targets = [...this.queues].filter(([name, { keys }]) => ('queue' in address ? name === address.queue : keys.has(address.routingKey)));
    if (targets.length === 0) throw new UnroutableTaskError(`nothing is bound to ${JSON.stringify(address)}`);
    this.published.push({ message, address });
    for (const [name] of targets) this.put(name, message);
  }

  consume(name: string, options: ConsumeOptions, onDelivery: OnDelivery): Promise<Consumption> {
    this.calls.push(`consume ${name}`);
    const queue = this.queues.get(name);
    queue?.consumers.add(onDelivery);
    for (const message of queue?.waiting.splice(0) ?? []) this.put(name, message);
    const stop = (): Promise<void> => {
      queue?.consumers.delete(onDelivery);
      return Promise.resolve();
    };
    return Promise.resolve({ setPrefetch: () => Promise.resolve(), stop, close: stop });
  }

  depth(name: string): Promise<number | undefined> {
    return Promise.resolve(this.queues.get(name)?.waiting.length);
  }

  beforeUndelivered(): void { /* it delays nothing */ }
  signal(): Promise<void> { return Promise.resolve(); }
  watchSignals(): Promise<SignalSubscription> { return Promise.resolve({ stop: () => Promise.resolve() }); }
  broadcast(): Promise<void> { return Promise.resolve(); }
  watchBroadcasts(): Promise<SignalSubscription> { return Promise.resolve({ stop: () => Promise.resolve() }); }
  delayedCount(): Promise<number> { return Promise.resolve(0); }
  delayedWithin(boundsMs: readonly number[]): Promise<number[]> { return Promise.resolve([...boundsMs.map(() => 0), 0]); }

  async browse(name: string, visit: BrowseVisit): Promise<BrowseResult> {
    const queue = this.queues.get(name);
    if (queue === undefined) throw new BrokerError('ERR_DISPATCHER_NOT_FOUND', `no queue ${name}`);
    const [line, kept] = [queue.waiting.splice(0), [] as Message[]];
    let [visited, end] = [0, 'all' as BrowseResult['end']];
    try {
      while (line.length > 0 && end === 'all') {
        const answer = await visit({ ...line[0] as Message, exchange: 'tasks', routingKey: '' }, visited++);
        if (answer === 'stop') end = 'stopped';
        else if (answer === 'keep') kept.push(line[0] as Message);
        if (answer !== 'stop') line.shift();
      }
    } finally {
      queue.waiting.unshift(...kept, ...line);
    }
    return { visited, removed: visited - kept.length - (end === 'stopped' ? 1 : 0), end };
  }

  purge(name: string): Promise<number> {
    return Promise.resolve(this.queues.get(name)?.waiting.splice(0).length ?? 0);
  }

  close(): Promise<void> {
    if (this.state.status !== 'closed') this.calls.push('close');
    this.become('closed');
    this.states.complete();
    this.events.complete();
    return Promise.resolve();
  }

  private put(name: string, message: Message): void {
    const queue = this.queues.get(name);
    const [consumer] = queue?.consumers ?? [];
    if (consumer === undefined) {
      queue?.waiting.push(message);
      return;
    }
    let settled = false;
    const settle = (again: boolean) => (): boolean => {
      if (settled) return false;
      settled = true;
      if (again) setImmediate(() => this.put(name, message));
      else this.settled.add(message);
      return true;
    };
    setImmediate(() => consumer({ ...message, queue: name, exchange: 'tasks', routingKey: '', redelivered: false, ack: settle(false), requeue: settle(true) }));
  }
}
