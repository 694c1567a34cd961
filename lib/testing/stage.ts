import { createHash } from 'node:crypto';
import type { Address, Broker, Message } from '../brokers/broker.js';
import type { MessageStore } from '../brokers/embedded/message-store.js';
import type { TakenMessage } from '../brokers/store/queue-store.js';
import { checkChoice } from '../dispatcher/config/config-checks.js';
import { contractFrom } from '../dispatcher/contracting/contracting.js';
import type { Contract } from '../contract/model.js';
import type { ServerConfig } from '../dispatcher/config/server-config.js';
import type { Dispatcher } from '../dispatcher/dispatcher.js';
import type { DispatcherParts } from '../dispatcher/dispatcher-parts.js';
import { ConfigurationError } from '../errors.js';
import { Header } from '../task/headers.js';
import { clock, takeTimeFrom } from '../time/clock.js';
import type { RunMiddleware } from '../worker/middleware.js';
import { Faults } from './faults.js';
import { HeldStore } from './held-store.js';
import { HeldStores } from './held-stores.js';
import { resolveTestingOptions, TESTING_MODES, type TestingMode, type TestingOptions } from './options.js';
import { Outcomes } from './outcomes.js';
import { KnownQueues, recordOf, type PublishedRecord } from './published.js';
import { Stillness } from './stillness.js';
import { TestingBroker } from './testing-broker.js';
import { TestingClock } from './testing-clock.js';
import { VirtualTime } from './virtual-time.js';

/** Of what an application says these are another in a test: where tasks travel and results are kept. */
const REPLACED = { broker: 'embedded:', resultBackend: undefined, tlsConfig: undefined, secureConnection: undefined, ledger: undefined, consumerTimeoutSeconds: undefined } as const;
/** Tasks that publish inline wait in their slots for those that they publish. */
const INLINE_SLOTS = 1_000;
/** Of the real clock: whoever closes an application under test is not to wait for handlers that never end. */
const LONGEST_SHUTDOWN_SECONDS = 1;
/** What is told of every attempt's end. */
const ENDS = ['task.succeeded', 'task.retrying', 'task.dead-lettered', 'task.cancelled', 'task.expired', 'task.dropped', 'task.returned', 'task.suspended'] as const;

let stages = 0;

interface Played {
  readonly name: string;
  readonly dispatcher: Dispatcher;
  readonly broker: TestingBroker;
  readonly store: string;
}

/** Everything that the dispatchers under test share: time, messages, what is known of them. */
export class Stage {
  /** Under which their messages and what they remember together are found. */
  readonly name = `testing-${process.pid}-${++stages}`;
  readonly clock: TestingClock;
  readonly time: VirtualTime;
  readonly stillness: Stillness;
  readonly outcomes = new Outcomes();
  readonly faults = new Faults();
  readonly published: PublishedRecord[] = [];
  readonly queues = new KnownQueues();
  /** Of these nothing is to be left: no retry, no dead letter. */
  readonly alone = new Set<string>();
  /** Handlers that run, by the uuids of their tasks. */
  readonly running = new Map<string, string>();
  mode: TestingMode;
  /** Told of each dispatcher that comes under test. */
  onMade: (parts: DispatcherParts) => void = () => undefined;
  private readonly stores = new HeldStores();
  /** By the names of the stores in memory. */
  private readonly byName = new Map<string, HeldStore>();
  private readonly brokers = new Set<TestingBroker>();
  /** Of the dispatcher that is being made. */
  private latest: Pick<Played, 'broker' | 'store'> | undefined;
  private readonly played: Played[] = [];
  private readonly isTwice: boolean;
  private readonly returned = new Set<string>();
  private readonly doubled = new Set<string>();
  private giveTimeBack: (() => void) | undefined;
  private begun = 0;

  constructor(options: TestingOptions) {
    const { mode, startMs, isTwice, patienceMs } = resolveTestingOptions(options);
    this.mode = mode;
    this.isTwice = isTwice;
    this.time = new VirtualTime(startMs);
    this.stillness = new Stillness({ changes: () => this.changes, running: () => this.running.keys(), giveUpWaiting: () => this.time.giveUpWaiting() }, patienceMs);
    this.time.onWaiting = () => void this.stillness.reached();
    this.clock = new TestingClock(this.time, async () => { await this.stillness.reached(); });
  }

  /** @throws ConfigurationError */
  changeMode(mode: TestingMode): void {
    this.mode = checkChoice(mode, 'mode', TESTING_MODES, 'automatic');
    this.stores.wakeAll();
  }

  get messages(): HeldStores {
    if (this.stores.size === 0) throw new ConfigurationError('No dispatcher is under test yet. Compile and init the testing module first: (await testing.override(builder).compile()).init().');
    return this.stores;
  }

  /** The one whose worker takes tasks of this name, and that worker's queue. @throws ConfigurationError */
  workerOf(task: string): { dispatcher: Dispatcher; queue: string; store: HeldStore } {
    for (const { dispatcher, store } of this.played) {
      const worker = dispatcher.parts.workers.list().find(({ taskNames }) => taskNames.includes(task));
      if (worker !== undefined) return { dispatcher, queue: worker.queue, store: this.byName.get(store)! };
    }
    throw new ConfigurationError(`No worker under test takes tasks named "${task}". Its provider must be among the modules, and a worker of the configuration must be assigned to it.`, { task });
  }

  /** @throws ConfigurationError where there is no dispatcher of this name */
  contractOf(name = 'default'): Contract {
    const found = this.played.find((played) => played.name === name);
    if (found === undefined) throw new ConfigurationError(`There is no dispatcher "${name}" under test; there ${this.played.length === 1 ? 'is' : 'are'} ${this.played.map((played) => `"${played.name}"`).join(', ') || 'none'}.`, { dispatcher: name });
    return contractFrom(found.dispatcher.parts);
  }

  /** From the first dispatcher that is made on. */
  enter(): void {
    this.begun++;
    this.giveTimeBack ??= takeTimeFrom(this.time);
  }

  configure(config: ServerConfig): ServerConfig {
    const workers = this.mode === 'inline' ? config.workers?.map((worker) => ({ ...worker, limit: Math.max(worker.limit ?? 0, INLINE_SLOTS) })) : config.workers;
    const run = [...config.middleware?.run ?? []];
    return {
      ...config, ...REPLACED, broker: `embedded:#${this.storeOf(config)}`, ...(workers === undefined ? {} : { workers }),
      shutdownTimeoutSeconds: Math.min(config.shutdownTimeoutSeconds ?? LONGEST_SHUTDOWN_SECONDS, LONGEST_SHUTDOWN_SECONDS),
      middleware: { ...config.middleware, run: [this.around, ...run] },
    };
  }

  /** Dispatchers that name one broker share its queues, as they do in production, and those of another are their own. */
  private storeOf({ broker = '', exchange }: ServerConfig): string {
    // One that the application makes has no name; what it is for has.
    return `${this.name}-${createHash('sha256').update(typeof broker === 'string' ? broker : `own:${exchange}`).digest('hex').slice(0, 8)}`;
  }

  hold(store: MessageStore, name: string): HeldStore {
    const held = new HeldStore(store, () => this.mode !== 'manual');
    held.comesAgain = (message) => this.comesAgain(message);
    this.stores.add(held);
    this.byName.set(name, held);
    return held;
  }

  brokerOver(broker: Broker, dispatcher: string, store: string, publishTimeoutMs: number): TestingBroker {
    const testing: TestingBroker = new TestingBroker(broker, {
      declared: (topology) => this.queues.add(topology),
      published: (message, address, options) => {
        const record = recordOf(message, address, options, { dispatcher, queues: this.queues, now: clock.now(), format: this.played.find(({ name }) => name === dispatcher)?.dispatcher.parts.formats.reading });
        if (record !== undefined) this.published.push(record);
      },
      swallows: (message) => this.alone.has(message.properties.messageId ?? ''),
      isAtOnce: (message, address) => this.mode === 'inline' && isFirst(message, address),
      closed: () => this.left(testing),
    }, publishTimeoutMs);
    this.brokers.add(testing);
    this.latest = { broker: testing, store };
    return testing;
  }

  add(dispatcher: Dispatcher, name: string): void {
    if (this.latest === undefined) throw new ConfigurationError(`The dispatcher "${name}" was made without a broker of the test.`, { dispatcher: name });
    this.played.push({ name, dispatcher, ...this.latest });
    const { parts, ending } = dispatcher;
    parts.events.matching({ type: [...ENDS] }).subscribe((event) => this.outcomes.hear(event));
    // Whoever closes waits for what runs, and for no longer than the configured time: it has to pass.
    ending.addEventListener('abort', () => this.time.follow(), { once: true });
    this.onMade(parts);
  }

  /** A worker under test is to take it from a queue. */
  isRunHere(uuid: string): boolean {
    const queues = new Set(this.played.flatMap(({ dispatcher }) => dispatcher.parts.workers.list().map(({ queue }) => queue)));
    return this.published.some((record) => record.uuid === uuid && record.queues.some((queue) => queues.has(queue)));
  }

  /** `undefined`: a worker is to say what is wrong with it. */
  nameOf(message: Message): string | undefined {
    for (const { dispatcher: { parts: { formats } } } of this.played) {
      try {
        return formats.reading.decode(message).name;
      } catch {
        // Another may have its key, or its format.
      }
    }
    return undefined;
  }

  /** Straight into a queue, and out of it, whatever the mode. Nothing is left of it. */
  async deliver(store: HeldStore, message: Message, exchange: string, queue: string, uuid: string, redelivered: boolean): Promise<void> {
    this.alone.add(uuid);
    const taken = store.publish(exchange, message, { queue }, 0);
    if (redelivered) store.markRedelivered(queue, uuid);
    if (this.mode === 'manual') store.release(queue, [uuid]);
    await taken;
  }

  down(): void {
    this.messages.setDown(true);
    for (const broker of this.brokers) broker.down('The connection is down: broker.down() of the test.');
  }

  up(): void {
    for (const broker of this.brokers) broker.up();
    this.messages.setDown(false);
  }

  redeliver(uuid: string): void {
    const { messages } = this;
    if (messages.takeBack(uuid)) return;
    const last = messages.lastOf(uuid);
    if (last === undefined) throw new ConfigurationError(`No task "${uuid}" has run here or runs now; what waits has not been delivered yet.`, { uuid });
    const { store, queue, message } = last;
    void store.publish('', message, { queue }, 0);
    store.markRedelivered(queue, uuid);
    store.wakeAll();
  }

  clear(): void {
    this.published.length = 0;
    this.outcomes.clear();
    this.faults.clear();
  }

  close(): void {
    this.time.stopFollowing();
    this.giveTimeBack?.();
    this.giveTimeBack = undefined;
  }

  private get changes(): number {
    return this.time.changes + this.stores.changes + this.outcomes.count + this.begun;
  }

  private left(broker: TestingBroker): void {
    this.brokers.delete(broker);
    const at = this.played.findIndex((played) => played.broker === broker);
    if (at >= 0) this.played.splice(at, 1);
    if (this.brokers.size === 0) this.close();
  }

  /** Around every handler, outside of the application's own middleware. */
  private readonly around: RunMiddleware = async ({ uuid, name }, next) => {
    this.begun++;
    this.running.set(uuid, name);
    try {
      const failure = this.faults.take(name);
      if (failure !== undefined) throw failure;
      const value = await next();
      this.returned.add(uuid);
      this.outcomes.returned(uuid, value);
      return value;
    } finally {
      this.running.delete(uuid);
      this.begun++;
    }
  };

  private comesAgain({ properties: { messageId = '' } }: TakenMessage): boolean {
    const isSuccess = this.returned.delete(messageId);
    if (!isSuccess || !this.isTwice || this.alone.has(messageId) || this.doubled.has(messageId)) return false;
    this.doubled.add(messageId);
    return true;
  }
}

function isFirst(message: Message, address: Address): boolean {
  return 'routingKey' in address && message.properties.headers?.[Header.attempt] === undefined;
}
