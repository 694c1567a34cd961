import { BehaviorSubject, Subject } from 'rxjs';
import type {
  Address, BeforeRemoval, Broker, BrokerEvent, BrokerState, BrokerStatus, BrowseOptions, BrowseResult, BrowseVisit, Consumption, ConsumeOptions, Delivery, Message, PublishOptions, SignalSubscription, Topology,
} from '../../../lib/brokers/broker.js';
import { BrokerError, BrokerUnavailableError, ShutdownError, type DispatcherError } from '../../../lib/errors.js';
import { clock } from '../../../lib/time/clock.js';
import { pauseUntil } from '../../../lib/time/pause-until.js';
import { makeStopper } from '../../../lib/time/stopper.js';
import { within } from '../../../lib/time/within.js';
import { Link } from '../link.js';
import type { World } from '../world.js';
import { Publishing, type PublishingOptions } from './publishing.js';
import type { Copy } from './server-queue.js';
import type { BrokerServer } from './server.js';
import { SimulatedConsumption } from './simulated-consumption.js';

const RECONNECT_MS = 300;
const WALK_PAUSE_MS = 50;
const WALK_TRIES = 100;

/** What all processes on the server hear. */
export interface Watchers {
  readonly signals: Set<() => void>;
  readonly topics: Map<string, Set<(message: Buffer) => void>>;
}

/** The port as a process has it: over two connections, for publishing and for all else, each of which may be lost. */
export class SimulatedBroker implements Broker {
  readonly states = new BehaviorSubject<BrokerState>({ status: 'idle', since: 0 });
  readonly events = new Subject<BrokerEvent>();
  private readonly publishing: Publishing;
  private readonly topology: Topology[] = [];
  private readonly consumptions = new Set<SimulatedConsumption>();
  private readonly onSignals = new Set<() => void>();
  private readonly asked = new Set<(error: DispatcherError) => void>();
  private readonly watching = new Set<() => void>();
  private links: { publish?: Link | undefined; consume?: Link | undefined } = {};
  private readonly stopping = makeStopper();
  private connecting: Promise<void> | undefined;
  private closing: Promise<void> | undefined;

  constructor(private readonly world: World, readonly owner: number, private readonly server: BrokerServer, private readonly watchers: Watchers, private readonly options: PublishingOptions) {
    this.publishing = new Publishing(world, server, options);
  }

  get state(): BrokerState {
    return this.states.value;
  }

  connect(): Promise<void> {
    return (this.connecting ??= this.open());
  }

  async declare(topology: Topology): Promise<void> {
    this.topology.push(topology);
    await this.ask(`declare ${topology.queues.map(({ name }) => name).join(' ')}`, () => this.server.declare(topology));
  }

  publish(message: Message, address: Address, options?: PublishOptions): Promise<void> {
    return this.publishing.publish(message, address, options);
  }

  async consume(queue: string, options: ConsumeOptions, onDelivery: (delivery: Delivery) => void): Promise<Consumption> {
    const link = await this.connected();
    const consumption = new SimulatedConsumption(queue, options, onDelivery, {
      server: this.server, link: () => this.links.consume,
      redeclare: () => this.redeclare(), pause: (ms) => this.pause(ms),
      lost: (name, error) => this.events.next({ type: 'broker.consumer-lost', queue: name, error }),
      restored: (name) => this.events.next({ type: 'broker.consumer-restored', queue: name }),
      failed: (name, error) => this.events.next({ type: 'broker.callback-failed', queue: name, error }),
      ended: (ended) => this.consumptions.delete(ended),
    });
    this.consumptions.add(consumption);
    try {
      await this.whileOn(() => consumption.open(link));
    } catch (error) {
      this.consumptions.delete(consumption);
      throw error;
    }
    return consumption;
  }

  depth(queue: string): Promise<number | undefined> {
    return this.ask(`depth ${queue}`, () => this.server.queues.get(queue)?.waiting.length);
  }

  delayedCount(): Promise<number> {
    return this.ask('delayed', () => this.server.delayed.size);
  }

  async delayedWithin(boundsMs: readonly number[]): Promise<number[]> {
    return [...boundsMs.map(() => 0), await this.delayedCount()];
  }

  async browse(queue: string, visit: BrowseVisit, options: BrowseOptions = {}): Promise<BrowseResult> {
    const copies = await this.beginWalk(queue);
    const removed = new Set<Copy>();
    let [visited, end] = [0, 'all' as BrowseResult['end']];
    try {
      for (const copy of copies) {
        if (visited - removed.size >= (options.maxHeld ?? Infinity)) {
          end = 'limit';
          break;
        }
        const { message, exchange, routingKey } = copy;
        const answer = await visit({ ...message, exchange, routingKey }, visited++);
        if (answer === 'remove') removed.add(copy);
        if (answer !== 'stop') continue;
        end = 'stopped';
        break;
      }
    } finally {
      await this.ask(`walked ${queue}`, () => this.server.endWalk(queue, (copy) => removed.has(copy)));
    }
    return { visited, removed: removed.size, end };
  }

  async purge(queue: string, beforeRemoval?: BeforeRemoval): Promise<number> {
    const { removed } = await this.browse(queue, async (message) => {
      await beforeRemoval?.(message);
      return 'remove' as const;
    });
    return removed;
  }

  beforeUndelivered(): void {
    // What is delayed waits until a queue takes it.
  }

  signal(): Promise<void> {
    return this.ask('signal', () => { for (const tell of this.watchers.signals) tell(); });
  }

  async watchSignals(onSignal: () => void): Promise<SignalSubscription> {
    await this.connected();
    const tell = (): void => this.links.consume?.answer('signal', onSignal);
    this.watchers.signals.add(tell);
    this.onSignals.add(onSignal);
    return this.subscription(() => {
      this.watchers.signals.delete(tell);
      this.onSignals.delete(onSignal);
    });
  }

  broadcast(topic: string, message: Buffer): Promise<void> {
    return this.ask(`broadcast ${topic}`, () => { for (const tell of this.watchers.topics.get(topic) ?? []) tell(message); });
  }

  async watchBroadcasts(topic: string, onMessage: (message: Buffer) => void): Promise<SignalSubscription> {
    await this.connected();
    const tell = (message: Buffer): void => this.links.consume?.answer(`broadcast ${topic}`, () => onMessage(message));
    const all = this.watchers.topics.get(topic) ?? new Set();
    this.watchers.topics.set(topic, all.add(tell));
    return this.subscription(() => void all.delete(tell));
  }

  close(deadlineMs: number): Promise<void> {
    return (this.closing ??= this.shutDown(deadlineMs));
  }

  /** One of its connections is cut. */
  cut(which: 'publish' | 'consume'): void {
    const link = this.links[which];
    link?.cut(() => this.server.forget(link), () => this.lost(which, link));
  }

  /** Its process is dead. */
  die(): void {
    for (const stop of this.watching) stop();
    for (const link of Object.values(this.links)) link?.die(() => this.server.forget(link));
  }

  /** The server says so to each of its connections. */
  alarm(isOn: boolean): void {
    this.links.publish?.answer(isOn ? 'blocked' : 'unblocked', () => {
      this.publishing.setBlocked(isOn);
      if (this.state.status === (isOn ? 'ready' : 'blocked')) this.become(isOn ? 'blocked' : 'ready');
      this.events.next(isOn ? { type: 'broker.blocked', reason: 'alarm' } : { type: 'broker.unblocked' });
    });
  }

  private subscription(stop: () => void): SignalSubscription {
    this.watching.add(stop);
    return { stop: async () => { this.watching.delete(stop); stop(); } };
  }

  private async open(): Promise<void> {
    this.become('connecting');
    await Promise.all([this.openLink('publish'), this.openLink('consume')]);
    if (this.closing !== undefined) throw closed();
    this.become('ready');
    this.events.next({ type: 'broker.connected', attempt: 1 });
  }

  /** Until there is one, or the broker is closed. */
  private async openLink(which: 'publish' | 'consume'): Promise<Link | undefined> {
    for (let link = await this.tryLink(which); this.closing === undefined; link = await this.tryLink(which)) {
      if (link !== undefined) return link;
      await this.pause(RECONNECT_MS);
    }
    return undefined;
  }

  private tryLink(which: 'publish' | 'consume'): Promise<Link | undefined> {
    const link = new Link(this.world, this.owner, which);
    return new Promise((resolve) => {
      link.send('open', () => {
        const { isDown, isAlarmed } = this.server;
        link.answer(isDown ? 'refused' : 'opened', () => {
          if (isDown || this.closing !== undefined) return resolve(undefined);
          this.links[which] = link;
          if (which === 'publish') {
            this.publishing.connected(link);
            if (isAlarmed) this.publishing.setBlocked(true);
          }
          return resolve(link);
        });
      });
    });
  }

  private lost(which: 'publish' | 'consume', link: Link): void {
    if (this.links[which] !== link || this.closing !== undefined) return;
    this.links[which] = undefined;
    const error = new BrokerUnavailableError('The connection was lost.');
    if (which === 'publish') {
      this.publishing.lost();
    } else {
      for (const consumption of this.consumptions) consumption.lost();
      for (const fail of [...this.asked]) fail(error);
    }
    this.become('lost', error);
    this.events.next({ type: 'broker.connection-lost', error });
    void this.reconnect(which);
  }

  private async reconnect(which: 'publish' | 'consume'): Promise<void> {
    const link = await this.openLink(which);
    if (link === undefined) return;
    if (which === 'consume') {
      try {
        await this.redeclare();
        await Promise.all([...this.consumptions].map((consumption) => this.whileOn(() => consumption.open(link))));
      } catch (error) {
        // Lost again meanwhile: that begins anew. A queue that is gone: so does this.
        if (this.links.consume !== link) return;
        this.events.next({ type: 'broker.topology-failed', error: error as DispatcherError });
        return this.cut('consume');
      }
      for (const onSignal of this.onSignals) onSignal();
    }
    if (this.links.publish === undefined || this.links.consume === undefined || this.closing !== undefined) return;
    this.become('ready');
    this.events.next({ type: 'broker.connected', attempt: 1 });
  }

  private async redeclare(): Promise<void> {
    await this.ask('declare anew', () => { for (const topology of this.topology) this.server.declare(topology); });
  }

  private async beginWalk(queue: string): Promise<readonly Copy[]> {
    for (let tries = 0; tries < WALK_TRIES; tries++) {
      const link = await this.connected();
      const found = await this.ask(`walk ${queue}`, () => (this.server.queues.has(queue) ? { copies: this.server.beginWalk(queue, link) } : undefined));
      if (found === undefined) throw new BrokerError('ERR_DISPATCHER_NOT_FOUND', `There is no queue "${queue}".`);
      if (found.copies !== undefined) return found.copies;
      await this.pause(WALK_PAUSE_MS);
    }
    throw new BrokerError('ERR_DISPATCHER_BROWSING', `Others walk through "${queue}".`);
  }

  private async ask<T>(what: string, work: () => T): Promise<T> {
    const link = await this.connected();
    return this.whileOn(() => new Promise<T>((resolve) => link.send(what, () => {
      const answer = work();
      link.answer(`answer ${what}`, () => resolve(answer));
    })));
  }

  /** @throws BrokerUnavailableError when the connection goes meanwhile */
  private whileOn<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const fail = (error: DispatcherError): void => { this.asked.delete(fail); reject(error); };
      this.asked.add(fail);
      work().then(resolve, reject).finally(() => this.asked.delete(fail));
    });
  }

  /** @throws BrokerUnavailableError, ShutdownError */
  private async connected(): Promise<Link> {
    const deadline = clock.elapsed() + this.options.publishTimeoutMs;
    while (this.closing === undefined) {
      if (this.links.consume !== undefined) return this.links.consume;
      if (clock.elapsed() >= deadline) throw new BrokerUnavailableError('There is no connection.');
      await this.pause(RECONNECT_MS);
    }
    throw closed();
  }

  private async shutDown(deadlineMs: number): Promise<void> {
    this.become('closing');
    this.stopping.abort();
    await within(deadlineMs, Promise.all([this.publishing.close(deadlineMs * 0.8), ...[...this.consumptions].map((consumption) => consumption.close())]));
    for (const fail of [...this.asked]) fail(closed());
    this.die();
    this.become('closed');
    this.states.complete();
    this.events.complete();
  }

  /** Of those who wait for a connection, or for their turn; over when the broker is closed. */
  private pause(ms: number): Promise<void> {
    return pauseUntil(ms * (1 + clock.random()), this.stopping.signal);
  }

  private become(status: BrokerStatus, cause?: DispatcherError): void {
    this.states.next({ status, since: clock.now(), ...cause && { cause } });
  }
}

function closed(): ShutdownError {
  return new ShutdownError('The broker was closed.');
}
