import type { DynamicModule, Type } from '@nestjs/common';
import { parseEmbeddedUrl } from '../brokers/embedded/embedded-url.js';
import { EmbeddedBroker } from '../brokers/embedded/embedded-broker.js';
import { makeClock } from '../brokers/store/clock.js';
import type { ResolvedConfig } from '../dispatcher/config/resolve-config.js';
import type { ServerConfig } from '../dispatcher/config/server-config.js';
import type { Dispatcher } from '../dispatcher/dispatcher.js';
import { ConfigurationError } from '../errors.js';
import { BROKER_FACTORY, DISPATCHER_SETUP } from '../nest/dispatcher.module.js';
import { taskOf, type TaskMethod, type TaskReference } from './task-reference.js';
import type { PublishedRecord } from './published.js';
import type { TestingMode, TestingOptions } from './options.js';
import { Stage } from './stage.js';
import type { TaskOutcome } from './outcomes.js';
import { recordContract, type RecordContractOptions, type RecordedContract } from './recorded-contract.js';
import type { TestingClock } from './testing-clock.js';
import { runTask, type RunTaskOptions, type TaskValue } from './run-task.js';
import type { SentTo } from '../nest/task-client.js';
import { Runs, type DrainSummary } from './runs.js';
import { inlinePublishing } from './inline-publishing.js';

/** As `Test.createTestingModule(...)` of `@nestjs/testing` gives it. @publicApi */
export interface OverridableModule<Self> {
  overrideProvider(token: unknown): { useValue(value: unknown): Self };
}

/**
 * The dispatchers of an application under test: in memory, without a server, on a clock that stands still until the test
 * moves it. For `forRoot` as it is in the application's own modules:
 *
 *     const testing = new DispatcherTesting();
 *     const module = await testing.override(Test.createTestingModule({ imports: [AppModule] })).compile();
 *     await module.init();
 *
 * @publicApi
 */
export class DispatcherTesting {
  /** What time it is for the dispatchers, and moving it. */
  readonly clock: TestingClock;
  private readonly stage: Stage;
  private readonly runs: Runs;

  /** @throws ConfigurationError for options that cannot work */
  constructor(options: TestingOptions = {}) {
    this.stage = new Stage(options);
    this.clock = this.stage.clock;
    this.runs = new Runs(this.stage);
    this.stage.onMade = (parts) => inlinePublishing(this.stage, this.runs, parts);
  }

  /** When tasks run: see {@link TestingOptions.mode}. May be changed at any time. */
  get mode(): TestingMode {
    return this.stage.mode;
  }

  set mode(mode: TestingMode) {
    this.stage.changeMode(mode);
  }

  /** Puts this in the place of the brokers and stores of every `DispatcherModule` in the module. */
  override<Builder extends OverridableModule<Builder>>(builder: Builder): Builder {
    return builder.overrideProvider(BROKER_FACTORY).useValue(this.makeBroker).overrideProvider(DISPATCHER_SETUP).useValue(this.setup);
  }

  /** Puts it in their place within one `DispatcherModule.forRoot(...)`, where there is nothing to override. */
  inModule(definition: DynamicModule): DynamicModule {
    return { ...definition, providers: [...definition.providers ?? [], { provide: BROKER_FACTORY, useValue: this.makeBroker }, { provide: DISPATCHER_SETUP, useValue: this.setup }] };
  }

  /**
   * The tasks that were published until now, oldest first: by the application, by workflows and by schedules; not what is
   * tried again. Of one name, or of a method with its types: `published(taskOf(MailTasks, 'send'))`.
   */
  published(): PublishedRecord[];
  published(name: string): PublishedRecord[];
  published<Args extends readonly unknown[]>(task: TaskReference<Args>): PublishedRecord<Args>[];
  published(task?: string | TaskReference<readonly unknown[]>): PublishedRecord[] {
    const name = typeof task === 'object' ? task.name : task;
    return this.stage.published.filter((record) => name === undefined || record.name === name);
  }

  /** How attempts have ended until now, in order. */
  get outcomes(): readonly TaskOutcome[] {
    return this.stage.outcomes.list;
  }

  /** Forgets what was published and how it ended; what waits, waits on. */
  clear(): void {
    this.stage.clear();
  }

  /**
   * Runs whatever is ready, one after the other and with all that follows from it, until nothing is; what is delayed waits
   * on. `delayed: true`: time passes until that has run too, retries included; schedules alone keep nothing going.
   *
   * @throws DispatcherError with the code ERR_DISPATCHER_TEST_STALLED where a task does not end
   */
  drain(options: { readonly delayed?: boolean } = {}): Promise<DrainSummary> {
    return this.runs.drain(options);
  }

  /** Runs the task that has waited longest; `undefined` where none is ready. Of `mode: 'manual'`. @throws as {@link drain} */
  runNext(): Promise<TaskOutcome | undefined> {
    return this.runs.runNext();
  }

  /** Runs those of one name that are ready, one after the other, and those of it that they publish. @throws as {@link drain} */
  runAll({ name }: { readonly name: string }): Promise<TaskOutcome[]> {
    return this.runs.runAll(name);
  }

  /**
   * Runs one handler as a worker would: encoded and back, through schemas, guards, pipes, interceptors, filters, limits and
   * timeout. Nothing is left of it: no retry, no dead letter.
   *
   * @returns what the caller of `result()` would get
   * @throws what the handler threw, or what kept it from being run
   */
  runTask<Provider extends object, Method extends TaskMethod<Provider>>(
    provider: Type<Provider>, method: Method, args: SentTo<Provider[Method]>,
    options: RunTaskOptions = {},
  ): Promise<TaskValue<Provider[Method]>> {
    const { name } = taskOf(provider, method);
    return runTask(this.stage, this.runs, name, args, options) as Promise<TaskValue<Provider[Method]>>;
  }

  /**
   * Holds the contract of the application to the one that was recorded in a file (AsyncAPI, `.json` or `.yaml`): writes it
   * the first time, and fails where a change would turn tasks that wait already into dead letters.
   *
   * @returns what was done
   * @throws DispatcherError with the code ERR_DISPATCHER_TEST_CONTRACT, which lists what has changed
   */
  recordContract(file: string, options: RecordContractOptions = {}): RecordedContract {
    return recordContract(this.stage.contractOf(options.dispatcher), file, options);
  }

  /** The connection to the broker, of all dispatchers under test. */
  readonly broker = {
    /** Lost: nothing is delivered, what workers hold they are given again, and who publishes waits. */
    down: (): void => this.stage.down(),
    /** Back again. */
    up: (): void => this.stage.up(),
  };

  /**
   * Delivers a task once more, as a broker does that did not hear of its end: one that runs now, beside that; one that has
   * ended, again.
   *
   * @throws ConfigurationError where it is not known
   */
  redeliver(uuid: string): void {
    this.stage.redeliver(uuid);
  }

  /** The next run of this name fails with the error, instead of its handler being called. @param times how many runs. Default: 1 */
  failNext(name: string, error: Error = new Error(`failNext('${name}')`), times = 1): void {
    if (!Number.isSafeInteger(times) || times < 1) throw new ConfigurationError(`times of failNext must be a whole number from 1; found ${times}.`);
    this.stage.faults.add(name, error, times);
  }

  /** Gives the time back to whoever else needs it; done when the last dispatcher under test is closed. Idempotent. */
  close(): void {
    this.stage.close();
  }

  private readonly makeBroker = (config: ResolvedConfig, dispatcher: string) => {
    const { stage } = this;
    stage.enter();
    const { name = '' } = parseEmbeddedUrl(config.broker.reveal());
    const broker = new EmbeddedBroker({
      exchange: config.exchange, location: undefined, name, publishTimeoutMs: config.publishTimeoutMs, clock: makeClock(),
      wrapStore: (store) => stage.hold(store, name),
    });
    return stage.brokerOver(broker, dispatcher, name, config.publishTimeoutMs);
  };

  private readonly setup = {
    configure: (config: ServerConfig): ServerConfig => this.stage.configure(config),
    made: (dispatcher: Dispatcher, name: string): void => this.stage.add(dispatcher, name),
  };
}
