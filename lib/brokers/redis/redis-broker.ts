import type { Observable } from 'rxjs';
import { BrokerUnavailableError, ConfigurationError, type DispatcherError } from '../../errors.js';
import { parseRedisUrl } from '../../redis/redis-url.js';
import { LONGEST_DELAY_MS } from '../../task/timing.js';
import { clock } from '../../time/clock.js';
import { within } from '../../time/within.js';
import { Secret } from '../../urls/secret.js';
import type {
  Address, BeforeRemoval, BeforeUndelivered, Broker, BrokerEvent, BrokerState, BrowseOptions, BrowseResult, BrowseVisit, ConsumeOptions, Consumption, Delivery, Message, MessageProperties, PublishOptions, SignalSubscription, Topology,
} from '../broker.js';
import { BrokerMonitor } from '../connection/broker-monitor.js';
import { Link, type LinkListener, type LinkSettings } from '../connection/link.js';
import { browseStore, noSuchQueue, walkAlone } from '../store/browse-store.js';
import { systemClock } from '../store/clock.js';
import { purgeStore } from '../store/purge-store.js';
import { QueueDispatch } from '../store/queue-dispatch.js';
import type { QueueStore } from '../store/queue-store.js';
import { StoreConsumption } from '../store/store-consumption.js';
import { brokerFailure } from './broker-failure.js';
import { DueMover } from './due-mover.js';
import { ForeignQueues } from './foreign/foreign-queues.js';
import { Lease } from './lease.js';
import { closedError, impossibleDelay } from './publish-errors.js';
import { RedisBroadcasts } from './redis-broadcasts.js';
import { DEFAULT_CONNECT_TIMEOUT_MS, DEFAULT_PUBLISHING, DEFAULT_SILENT_MS, LONGEST_RECONNECT_PAUSE_MS, type RedisBrokerOptions, type RedisPublishingLimits } from './redis-broker-options.js';
import { RedisPublisher } from './redis-publisher.js';
import { RedisQueueStore } from './redis-queue-store.js';
import { RedisSession, type SessionSettings } from './redis-session.js';
import { RedisSignals } from './redis-signals.js';
import { DELAYED_WITHIN } from './scripts/delays.js';
import { TopologyRegister } from './topology-register.js';

/** Redis or Valkey as a {@link Broker}: one connection that asks and one that hears, a third for broadcasts, and what must happen together in one script. */
export class RedisBroker implements Broker {
  readonly states: Observable<BrokerState>;
  readonly events: Observable<BrokerEvent>;
  private readonly limits: RedisPublishingLimits;
  private readonly link: Link<RedisSession>;
  private readonly monitor: BrokerMonitor;
  private readonly lease: Lease;
  private readonly store: RedisQueueStore;
  private readonly foreign: ForeignQueues;
  private readonly publisher: RedisPublisher;
  private readonly due: DueMover;
  private readonly topology: TopologyRegister;
  private readonly signals: RedisSignals;
  private readonly broadcasts: RedisBroadcasts;
  private readonly dispatches = new Map<string, QueueDispatch>();
  private readonly consumptions = new Set<StoreConsumption>();
  private readonly exchange: string;
  private tellUndelivered: BeforeUndelivered | undefined;
  private setBlocked: (reason: string | undefined) => void = () => undefined;
  private connecting: Promise<void> | undefined;
  private closed: Promise<void> | undefined;

  /** @throws ConfigurationError when the options cannot work as written */
  constructor(options: RedisBrokerOptions) {
    const { exchange, silentMs = DEFAULT_SILENT_MS } = options;
    if (exchange === '') throw new ConfigurationError('`exchange` is empty; name the exchange that tasks are published to.');
    this.exchange = exchange;
    this.limits = { ...DEFAULT_PUBLISHING, ...options.publishing };
    const warning = (message: string): void => this.monitor.emit({ type: 'broker.warning', message });
    this.lease = new Lease({
      silentMs, warning, awaited: () => this.store.awaited, everAwaited: () => this.store.everAwaited, woken: (queue) => this.store.wake(queue), due: (ms) => this.due.dueIn(ms), lost: () => [this.store, this.foreign].forEach((part) => part.leaseLost()), renewed: () => this.wakeAll(),
    });
    this.store = new RedisQueueStore({
      exchange, warning, owner: () => this.lease.owner, isInDoubt: () => this.lease.isInDoubt(), session: () => this.session(),
      ready: (queue) => this.dispatches.get(queue)?.wake(), missed: () => this.lease.beatNow(),
    });
    this.publisher = new RedisPublisher(this.limits, { exchange, unavailable: () => this.link.unavailable(), blocked: (reason) => this.setBlocked(reason), delayed: (ms) => this.due.dueIn(ms) });
    this.foreign = new ForeignQueues({
      warning, owner: () => this.lease.owner, isInDoubt: () => this.lease.isInDoubt(), session: () => this.session(), ready: (queue) => this.dispatches.get(queue)?.wake(), missed: () => this.lease.beatNow(),
      unavailable: () => this.link.unavailable(), lock: (name) => this.store.lock(name), unlock: (name) => this.store.unlock(name),
    }, this.limits);
    this.due = new DueMover({ exchange, warning, tellUndelivered: () => this.tellUndelivered });
    this.topology = new TopologyRegister((error) => this.monitor.emit({ type: 'broker.topology-failed', error }));
    this.signals = new RedisSignals();
    const settings = linkSettings(options, true);
    this.link = new Link({ ...settings, open: (signal, listener) => {
      this.setBlocked = (reason) => (reason === undefined ? listener.unblocked() : listener.blocked(reason));
      return settings.open(signal, listener);
    } }, this.linkListener());
    this.broadcasts = new RedisBroadcasts(linkSettings(options, false), { warning, unavailable: () => (this.link.status === 'ready' ? undefined : this.link.unavailable()) });
    this.monitor = new BrokerMonitor([this.link]);
    this.states = this.monitor.states;
    this.events = this.monitor.events;
  }

  get state(): BrokerState {
    return this.monitor.state;
  }

  connect(): Promise<void> {
    if (this.closed !== undefined) return Promise.reject(closedError());
    this.connecting ??= this.open().catch((error: unknown) => {
      this.connecting = undefined;
      throw error;
    });
    return this.connecting;
  }

  async declare(topology: Topology): Promise<void> {
    const session = await this.session();
    await this.topology.declare(session, { queues: await this.foreign.declare(session, topology.queues) });
  }

  publish(message: Message, address: Address, options?: PublishOptions): Promise<void> {
    const delayMs = options?.delayMs ?? 0;
    if (!(delayMs <= LONGEST_DELAY_MS)) return Promise.reject(impossibleDelay(delayMs));
    if (this.link.status === 'idle' && this.closed === undefined) return Promise.reject(this.link.unavailable());
    const foreign = this.foreign.at(address);
    return foreign.length === 0 ? this.publisher.publish(message, address, delayMs) : this.publishForeign(message, address, foreign, delayMs);
  }

  async consume(queue: string, options: ConsumeOptions, onDelivery: (delivery: Delivery) => void): Promise<Consumption> {
    if (await this.depth(queue) === undefined) {
      throw new ConfigurationError(`There is no queue '${queue}' to consume from. Declare it first, or mend the name.`, { queue });
    }
    if (this.closed !== undefined) throw closedError();
    const consumption = new StoreConsumption(queue, options, onDelivery, {
      store: this.storeOf(queue), dispatch: this.dispatch(queue), clock: systemClock,
      emit: (event) => this.monitor.emit(event), closed: (gone) => this.consumptions.delete(gone),
    });
    this.consumptions.add(consumption);
    if (this.foreign.find(queue) !== undefined) this.foreign.consuming(queue, options);
    return consumption;
  }

  depth(queue: string): Promise<number | undefined> { return this.storeOf(queue).depth(queue); }

  first(queue: string): Promise<MessageProperties | undefined> { return this.storeOf(queue).first(queue); }

  async delayedCount(): Promise<number> {
    return (await this.delayedWithin([]))[0] as number;
  }

  async delayedWithin(boundsMs: readonly number[]): Promise<number[]> {
    const [session, bounds] = [await this.session(), boundsMs.map((bound) => String(Math.floor(bound)))];
    return this.foreign.withDelayed(session, await session.call<number[]>(DELAYED_WITHIN, bounds), bounds);
  }

  browse(queue: string, visit: BrowseVisit, options: BrowseOptions = {}): Promise<BrowseResult> {
    return this.unbroken(() => browseStore(this.storeOf(queue).walked, systemClock, queue, this.limits.maxWaitMs, visit, options));
  }

  async purge(queue: string, beforeRemoval?: BeforeRemoval): Promise<number> {
    if (await this.depth(queue) === undefined) throw noSuchQueue(queue);
    if (beforeRemoval === undefined && this.foreign.find(queue) === undefined) return this.store.purge(queue);
    const walked = this.storeOf(queue).walked;
    return this.unbroken(() => walkAlone(walked, systemClock, queue, this.limits.maxWaitMs, () => purgeStore(walked, queue, beforeRemoval ?? (() => undefined))));
  }

  beforeUndelivered(tell: BeforeUndelivered): void {
    this.tellUndelivered = tell;
  }

  async signal(): Promise<void> {
    await this.signals.send(await this.session());
  }

  async watchSignals(onSignal: () => void): Promise<SignalSubscription> {
    return this.signals.watch(await this.session(), onSignal);
  }

  async broadcast(topic: string, message: Buffer): Promise<void> {
    if (this.closed !== undefined) throw closedError();
    await this.broadcasts.send(topic, message);
  }

  async watchBroadcasts(topic: string, onMessage: (message: Buffer) => void): Promise<SignalSubscription> {
    await this.session();
    return this.broadcasts.watch(topic, onMessage);
  }

  close(deadlineMs: number): Promise<void> {
    this.closed ??= this.shutDown(clock.elapsed() + deadlineMs);
    return this.closed;
  }

  private async open(): Promise<void> {
    const opening = this.link.open();
    this.monitor.refresh();
    try {
      await opening;
    } catch (error) {
      if (this.closed === undefined) this.link.abandon(error as DispatcherError);
      for (const part of [this.publisher, this.foreign]) part.broken(error as DispatcherError);
      this.monitor.refresh();
      throw error;
    }
  }

  private linkListener(): LinkListener<RedisSession> {
    return {
      prepare: async (session) => {
        await this.topology.redeclare(session);
        await this.lease.start(session);
        await this.store.reconcile(session);
        await this.foreign.prepare(session);
        await this.signals.start(session);
      },
      ready: (link, attempt) => {
        if (link.model !== undefined) this.connected(link.model);
        this.monitor.ready(attempt);
      },
      lost: (_link, error) => {
        this.disconnected();
        this.monitor.lost(error);
      },
      failed: (_link, error, attempt, retryInMs) => this.monitor.failed(error, attempt, retryInMs),
      broken: (_link, error) => {
        for (const part of [this.publisher, this.foreign]) part.broken(this.link.unavailable());
        this.monitor.broken(error);
      },
      blockedChanged: () => this.monitor.blockedChanged(),
      warning: (message) => this.monitor.emit({ type: 'broker.warning', message }),
    };
  }

  private connected(session: RedisSession): void {
    for (const part of [this.lease, this.store, this.publisher, this.foreign, this.due, this.signals]) part.connected(session);
    this.wakeAll();
  }

  private disconnected(): void {
    for (const part of [this.lease, this.store, this.publisher, this.foreign, this.due]) part.disconnected();
  }

  private wakeAll(): void {
    for (const dispatch of this.dispatches.values()) dispatch.wake();
  }

  private dispatch(queue: string): QueueDispatch {
    let dispatch = this.dispatches.get(queue);
    if (dispatch === undefined) this.dispatches.set(queue, (dispatch = new QueueDispatch(queue, this.storeOf(queue))));
    return dispatch;
  }

  private storeOf(queue: string): QueueStore & { readonly walked: QueueStore } {
    return this.foreign.find(queue) === undefined ? this.store : this.foreign.store;
  }

  /** To each queue of another system, and to those of ours that are bound with the same key, where this process has declared any. */
  private async publishForeign(message: Message, address: Address, queues: readonly string[], delayMs: number): Promise<void> {
    for (const queue of queues) await this.foreign.publish(message, queue, delayMs);
    if ('routingKey' in address && this.topology.binds(address.routingKey)) await this.publisher.publish(message, address, delayMs);
  }

  private session(): Promise<RedisSession> {
    return this.closed === undefined ? this.link.whenReady(this.limits.maxWaitMs) : Promise.reject(closedError());
  }

  /** A walk over a queue is one on one connection: what another one shows may be somebody else's meanwhile. */
  private async unbroken<T>(walk: () => Promise<T>): Promise<T> {
    const session = await this.session();
    const result = await walk();
    if (this.link.model === session) return result;
    throw new BrokerUnavailableError('The connection to Redis was lost on the way through the queue. What was removed last may still be there; begin anew.', { broker: session.display }, this.link.cause);
  }

  private async shutDown(deadline: number): Promise<void> {
    const left = (): number => Math.max(0, deadline - clock.elapsed());
    this.monitor.closing();
    await Promise.all([this.publisher, this.foreign].map((part) => part.close(left() * 0.5)));
    await within(left() / 2, Promise.all([...this.consumptions].map((consumption) => consumption.close())));
    await within(left() / 2, Promise.all([this.store.written(), this.foreign.store.written()]).then(() => this.foreign.release()).then(() => this.lease.release()).catch(() => undefined));
    await within(left(), Promise.all([this.link.close(left()), this.broadcasts.close(left())]));
    this.disconnected();
    this.monitor.closed();
  }
}

function linkSettings({ url, exchange, connectionName, reconnection, tls, forceTls, connectTimeoutMs = DEFAULT_CONNECT_TIMEOUT_MS, random = clock.random }: RedisBrokerOptions, hearsApart: boolean): LinkSettings<RedisSession> {
  const parsed = parseRedisUrl(url, 'broker');
  const endpoint = forceTls === true ? { ...parsed, tls: true } : parsed;
  const name = (connectionName ?? `dispatcher:${process.pid}`).replace(/[^\x21-\x7e]/g, '-');
  const settings: SessionSettings = { endpoint, exchange, name, connectTimeoutMs, tls: new Secret(tls), hearsApart };
  return {
    display: endpoint.display, reconnection: { longestMs: LONGEST_RECONNECT_PAUSE_MS, ...reconnection }, random,
    open: (signal, listener) => RedisSession.open(settings, signal, listener),
    classify: (error) => brokerFailure(error, endpoint.display),
    close: (session) => session.close(),
  };
}
