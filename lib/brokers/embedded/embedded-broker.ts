import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Observable } from 'rxjs';
import { BrokerUnavailableError, ConfigurationError, DispatcherError, InvalidTaskError, ShutdownError } from '../../errors.js';
import { folderProblem } from '../../lmdb/folder-problem.js';
import { makeFolder } from '../../lmdb/make-folder.js';
import type {
  Address, BeforeRemoval, BeforeUndelivered, Broker, BrokerEvent, BrokerState, BrowseOptions, BrowseResult, BrowseVisit, ConsumeOptions, Consumption, Delivery, Message, MessageProperties, PublishOptions, SignalSubscription, Topology,
} from '../broker.js';
import { clock, type ClockTimer } from '../../time/clock.js';
import { BroadcastWatch } from './broadcast-watch.js';
import { browseStore, noSuchQueue, walkAlone } from '../store/browse-store.js';
import { broadcastListenerFailed, checkBroadcast } from '../../task/broadcasts.js';
import { LONGEST_DELAY_MS } from '../../task/timing.js';
import { BrokerStatusLine } from './broker-status.js';
import { atMost, systemClock, type Clock } from '../store/clock.js';
import { twoOwnersWarning } from '../../task/two-owners.js';
import { DEFAULT_MAX_WAITING_BYTES, DEFAULT_PUBLISH_TIMEOUT_MS, type EmbeddedBrokerOptions } from './embedded-broker-options.js';
import { StoreConsumption } from '../store/store-consumption.js';
import { LmdbStore } from './lmdb/lmdb-store.js';
import { BROKER_FOLDER } from './lmdb/tables.js';
import { MemoryStore } from './memory-store.js';
import type { MessageStore } from './message-store.js';
import { SignalWatch } from './signal-watch.js';
import { purgeStore } from '../store/purge-store.js';
import { privateHub, sharedHub, type StoreHub, type StoreObserver } from './shared-stores.js';

/** As long as timers can be; only there so that the process lives until the broker is closed. */
const NEVER_MS = 2 ** 31 - 1;
/** A look at more would keep the process busy for too long. */
const MOST_DUE_TIMES = 10_000;

/**
 * A broker with no server: in memory, or in a folder that several processes of one machine share.
 * Keeps the process alive from `connect` to `close`, as a connection to a server would.
 */
export class EmbeddedBroker implements Broker, StoreObserver {
  readonly states: Observable<BrokerState>;
  readonly events: Observable<BrokerEvent>;
  /** Part of {@link StoreObserver}. */
  tellUndelivered: BeforeUndelivered | undefined;
  private readonly clock: Clock;
  private readonly line: BrokerStatusLine;
  private readonly consumptions = new Set<StoreConsumption>();
  /** Of which was told that others take from them too. */
  private readonly shared = new Set<string>();
  private readonly watches = new Set<SignalWatch>();
  private readonly broadcastWatches = new Set<BroadcastWatch>();
  private hub: StoreHub | undefined;
  private connecting: Promise<void> | undefined;
  private closing: Promise<void> | undefined;
  private keepAlive: ClockTimer | undefined;
  /** Absolute from the start: the working folder may be another one when it is opened. */
  private readonly location: string | undefined;

  constructor(private readonly options: EmbeddedBrokerOptions) {
    if (options.location !== undefined && options.name !== undefined) {
      throw new ConfigurationError(
        `The embedded broker got both a folder ('${options.location}') and a name ('${options.name}'). A name is for messages in memory: leave out one of them.`,
      );
    }
    this.location = options.location === undefined ? undefined : resolve(options.location);
    this.clock = options.clock ?? systemClock;
    this.line = new BrokerStatusLine(this.clock);
    this.states = this.line.states;
    this.events = this.line.events;
  }

  /** Part of {@link StoreObserver}. */
  get exchange(): string {
    return this.options.exchange;
  }

  get state(): BrokerState {
    return this.line.state;
  }

  connect(): Promise<void> {
    if (this.closing !== undefined) return Promise.reject(closedError());
    return (this.connecting ??= this.open());
  }

  async declare(topology: Topology): Promise<void> {
    const hub = await this.ready();
    await hub.store.declare(this.options.exchange, topology);
    for (const { name } of topology.queues) this.warnOfOthers(name, hub.store.exchangesOf(name));
  }

  /** Once for each queue. */
  private warnOfOthers(queue: string, exchanges: readonly string[]): void {
    const { exchange } = this.options;
    const other = exchanges.find((one) => one !== exchange);
    if (other === undefined || this.shared.has(queue)) return;
    this.shared.add(queue);
    this.line.emit({ type: 'broker.warning', message: twoOwnersWarning(`Queue "${queue}"`, other, exchange) });
  }

  publish(message: Message, address: Address, options?: PublishOptions): Promise<void> {
    const delayMs = options?.delayMs ?? 0;
    if (!(delayMs <= LONGEST_DELAY_MS)) return Promise.reject(impossibleDelay(delayMs));
    if (this.hub !== undefined && this.closing === undefined) {
      return this.hub.store.publish(this.options.exchange, message, address, delayMs);
    }
    return this.ready().then((hub) => hub.store.publish(this.options.exchange, message, address, delayMs));
  }

  async consume(queue: string, options: ConsumeOptions, onDelivery: (delivery: Delivery) => void): Promise<Consumption> {
    const hub = await this.ready();
    if (!hub.store.hasQueue(queue)) {
      throw new ConfigurationError(`There is no queue '${queue}' to consume from. Declare it first, or mend the name.`, { queue });
    }
    const { clock } = this;
    const consumption = new StoreConsumption(queue, options, onDelivery, {
      store: hub.store,
      dispatch: hub.dispatch(queue),
      clock,
      emit: (event) => this.line.emit(event),
      closed: (gone) => this.consumptions.delete(gone),
    });
    this.consumptions.add(consumption);
    return consumption;
  }

  async depth(queue: string): Promise<number | undefined> {
    const hub = await this.ready();
    return hub.store.depth(queue);
  }

  async first(queue: string): Promise<MessageProperties | undefined> {
    const { store } = await this.ready();
    return store.first(queue);
  }

  async delayedCount(): Promise<number> {
    const { store } = await this.ready();
    return store.delayedCount();
  }

  async delayedWithin(boundsMs: readonly number[]): Promise<number[]> {
    const { store } = await this.ready();
    const counts = [...boundsMs.map(() => 0), 0];
    const [times, now] = [await store.dueTimes(MOST_DUE_TIMES), this.clock.now()];
    for (const dueAt of times) {
      const bound = boundsMs.findIndex((one) => dueAt - now <= one);
      counts[bound < 0 ? boundsMs.length : bound]!++;
    }
    counts[boundsMs.length]! += Math.max(0, await store.delayedCount() - times.length);
    return counts;
  }

  beforeUndelivered(tell: BeforeUndelivered): void {
    this.tellUndelivered = tell;
  }

  async signal(): Promise<void> {
    const { store } = await this.ready();
    await store.signal(this.options.exchange);
    for (const watch of this.watches) watch.look();
  }

  async watchSignals(onSignal: () => void): Promise<SignalSubscription> {
    const { store } = await this.ready();
    const watch = new SignalWatch(() => store.signalCount(this.options.exchange), onSignal, this.clock, (gone) => this.watches.delete(gone));
    this.watches.add(watch);
    return watch;
  }

  async broadcast(topic: string, message: Buffer): Promise<void> {
    checkBroadcast(topic, message);
    const { store } = await this.ready();
    await store.broadcasts.send(this.options.exchange, topic, message);
    for (const watch of this.broadcastWatches) watch.hurry();
  }

  async watchBroadcasts(topic: string, onMessage: (message: Buffer) => void): Promise<SignalSubscription> {
    const { store: { broadcasts } } = await this.ready();
    const { exchange } = this.options;
    const watch = new BroadcastWatch({ last: () => broadcasts.last(exchange), after: (number) => broadcasts.after(exchange, topic, number) }, onMessage, {
      clock: this.clock, ended: (gone) => this.broadcastWatches.delete(gone),
      failed: (error) => this.line.emit({ type: 'broker.warning', message: broadcastListenerFailed(topic, error) }),
    });
    this.broadcastWatches.add(watch);
    return watch;
  }

  async browse(queue: string, visit: BrowseVisit, options: BrowseOptions = {}): Promise<BrowseResult> {
    const { store } = await this.ready();
    return browseStore(store, this.clock, queue, this.options.publishTimeoutMs ?? DEFAULT_PUBLISH_TIMEOUT_MS, visit, options);
  }

  async purge(queue: string, beforeRemoval?: BeforeRemoval): Promise<number> {
    const { store } = await this.ready();
    if (!store.hasQueue(queue)) throw noSuchQueue(queue);
    if (beforeRemoval === undefined) return store.purge(queue);
    return walkAlone(store, this.clock, queue, this.options.publishTimeoutMs ?? DEFAULT_PUBLISH_TIMEOUT_MS, () => purgeStore(store, queue, beforeRemoval));
  }

  close(deadlineMs: number): Promise<void> {
    return (this.closing ??= this.shutDown(deadlineMs));
  }

  /** Part of {@link StoreObserver}. */
  trouble(error: DispatcherError | undefined): void {
    if (this.closing !== undefined) return;
    if (error === undefined) {
      this.line.become('ready');
      this.line.emit({ type: 'broker.unblocked' });
    } else {
      this.line.become('blocked', error);
      this.line.emit({ type: 'broker.blocked', reason: error.message });
    }
  }

  /** Part of {@link StoreObserver}. */
  warning(message: string): void {
    this.line.emit({ type: 'broker.warning', message });
  }

  private async open(): Promise<void> {
    this.line.become('connecting');
    try {
      const hub = this.findHub();
      await hub.join(this);
      if (this.closing !== undefined) {
        await hub.leave(this);
        throw closedError();
      }
      this.hub = hub;
    } catch (error) {
      throw this.openFailed(error);
    }
    this.keepAlive = clock.setInterval(() => undefined, NEVER_MS);
    this.line.become('ready');
    this.line.emit({ type: 'broker.connected', attempt: 1 });
  }

  private openFailed(cause: unknown): DispatcherError {
    const error = cause instanceof DispatcherError ? cause : folderProblem(BROKER_FOLDER, this.location ?? '', cause);
    this.connecting = undefined;
    if (this.closing !== undefined) return error;
    this.line.become('broken', error);
    return error;
  }

  private findHub(): StoreHub {
    const { location } = this;
    const { name, maxWaitingBytes = DEFAULT_MAX_WAITING_BYTES, publishTimeoutMs = DEFAULT_PUBLISH_TIMEOUT_MS, wrapStore = (store: MessageStore) => store } = this.options;
    if (location === undefined) {
      const make = (): MessageStore => wrapStore(new MemoryStore(this.clock, maxWaitingBytes));
      return name === undefined ? privateHub(make()) : sharedHub(`#${name}`, make);
    }
    const folder = existingFolder(location);
    return sharedHub(folder, () => new LmdbStore({ folder, clock: this.clock, maxWaitingBytes, publishTimeoutMs }));
  }

  private async ready(): Promise<StoreHub> {
    if (this.closing !== undefined) throw closedError();
    if (this.connecting === undefined) throw new BrokerUnavailableError('The embedded broker is not connected. Call connect() and wait for it first.');
    await this.connecting;
    if (this.hub === undefined || this.isClosing()) throw closedError();
    return this.hub;
  }

  private isClosing(): boolean {
    return this.closing !== undefined;
  }

  private async shutDown(deadlineMs: number): Promise<void> {
    this.line.become('closing');
    await atMost(deadlineMs, this.letGo(), this.clock);
    clock.clear(this.keepAlive);
    this.line.closed();
  }

  private async letGo(): Promise<void> {
    // A failed connect has told its caller.
    await this.connecting?.catch(() => undefined);
    for (const watch of [...this.watches, ...this.broadcastWatches]) await watch.stop();
    await Promise.all([...this.consumptions].map((consumption) => consumption.close()));
    await this.hub?.store.written();
    await this.hub?.leave(this);
  }
}

/** The folder's one true name, by which brokers of this process find each other. */
function existingFolder(location: string): string {
  makeFolder(location);
  return realpathSync(location);
}

/** What RabbitMQ cannot keep is refused here too: the way to a cluster is one URL. */
function impossibleDelay(delayMs: number): InvalidTaskError {
  return new InvalidTaskError(`A delay of ${delayMs} ms cannot be kept; expected at most ${LONGEST_DELAY_MS} ms (6.8 years).`, { delayMs, longestMs: LONGEST_DELAY_MS });
}

function closedError(): ShutdownError {
  return new ShutdownError('The embedded broker was closed and takes no more calls. Make a new one.');
}
