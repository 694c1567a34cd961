import { EMPTY, merge, Subject } from 'rxjs';
import type { Broker } from '../brokers/broker.js';
import type { CancelOptions } from '../control/cancellation.js';
import { Cancellations } from '../control/cancellations.js';
import { drain, type DrainOptions } from '../control/drain.js';
import type { Pause, PauseOptions, PauseTarget } from '../control/pause.js';
import { Pauses } from '../control/pauses.js';
import { DeadLetters } from '../dead-letters/dead-letters.js';
import type { DispatcherEvent } from '../events/dispatcher-event.js';
import type { ResultBackend } from '../results/result-backend.js';
import { calledOffBy } from './called-off.js';
import { backendOf } from './results/backend-of.js';
import { resultsOver, type ResultsOver } from './results/results-over.js';
import type { TaskResults } from './results/task-results.js';
import { gofortFormat } from '../formats/gofort.js';
import { TaskWorker } from '../worker/task-worker.js';
import type { Handler } from '../worker/handler.js';
import { SharedLimits } from '../worker/limits/shared/shared-limits.js';
import type { RunMiddleware } from '../worker/middleware.js';
import { withMiddleware } from '../worker/with-middleware.js';
import type { WorkerConfig } from '../worker/worker-config.js';
import { Workflows } from '../workflows/workflows.js';
import { DispatcherLogger } from './dispatcher-logger.js';
import { EventLogger } from './event-logger.js';
import { DispatcherEvents } from './events/dispatcher-events.js';
import { gatesOf } from './gates-of.js';
import { healthOf, type DispatcherHealth } from './health.js';
import { LogicalQueues } from './logical-queues.js';
import { resolveMiddlewares, type FindProvider } from './middleware/resolve-middleware.js';
import { PublishChain } from './publishing/publish-chain.js';
import type { PublishMiddleware } from './publishing/publish-middleware.js';
import { BatchPublisher } from './publishing/publish-many.js';
import { Scheduling } from './scheduling.js';
import { StartGate } from './publishing/start-gate.js';
import { SharedState } from './shared-state.js';
import { TaskPublisher } from './publishing/task-publisher.js';
import { UniquePublisher } from './publishing/unique-publisher.js';
import type { PublishedTask, PublishOutcome } from './publishing/published-task.js';
import { StepPublisher } from './publishing/step-publisher.js';
import type { TaskInput } from '../task/task.js';
import type { ResolvedConfig } from './resolve-config.js';
import { ThreadPool } from './threads/thread-pool.js';
import { withinStart } from './start-limit.js';
import { messageOf } from './text.js';
import { type ManagedWorker, WorkerRegistry } from './worker-registry.js';

/** Left for sending out what tasks have published, after the time for the tasks themselves. */
const CLOSING_SHARE = 0.2;
const MAX_CLOSING_MS = 5_000;
const MIN_CLOSING_MS = 250;
/**
 * For how long workers remember that a workflow was cancelled, to stop what runs of it. What comes later is turned away
 * by the workflow's own state, which is kept far longer.
 */
const CALL_OFF_MS = 3_600_000;

/** The handlers of a worker's tasks, found in the application. */
export type DiscoverHandlers = (config: WorkerConfig, all: readonly WorkerConfig[]) => ReadonlyMap<string, Handler>;

/**
 * One dispatcher: a broker, its publisher and its workers, and the order in which they start and end.
 * Starts: configured workers are made (mistakes show before anything is connected), then the connection,
 * the queues, the consumers. Ends: workers drain while the connection stays, then the connection goes.
 */
export class Dispatcher {
  readonly publisher: { publish(first: TaskInput | string, values: readonly unknown[]): Promise<PublishedTask> };
  readonly workers: WorkerRegistry;
  readonly deadLetters: DeadLetters;
  readonly pauses: Pauses;
  readonly workflows: Workflows;
  readonly scheduling: Scheduling;
  readonly cancellations: Cancellations;
  readonly events: DispatcherEvents;
  readonly logger: DispatcherLogger;
  readonly threads: ThreadPool;
  readonly results: TaskResults;
  /** What all processes on the exchange remember together. Opened when something needs it. */
  readonly shared: SharedState;
  private readonly limits: SharedLimits;
  private readonly backend: ResultBackend | undefined;
  private readonly resulting: ResultsOver;
  private readonly workerEvents = new Subject<DispatcherEvent>();
  private readonly queues: LogicalQueues;
  private readonly gate: StartGate;
  private readonly plainPublisher: TaskPublisher;
  private readonly publishChain: PublishChain | undefined;
  private globalRun: RunMiddleware[] | undefined;
  private readonly lostConsumers = new Set<string>();
  private draining: Promise<void> | undefined;
  private closing: Promise<void> | undefined;
  private deadline: number | undefined;

  constructor(readonly name: string, readonly config: ResolvedConfig, readonly broker: Broker, discover: DiscoverHandlers, private readonly find: FindProvider) {
    this.logger = new DispatcherLogger(config.logger, name);
    this.threads = new ThreadPool(config.threads, config.enhancers);
    this.gate = new StartGate(() => this.connect());
    this.backend = config.results.url === undefined ? undefined : backendOf(config.results.url, config);
    this.shared = new SharedState(config, this.backend, (event) => this.workerEvents.next(event));
    this.limits = new SharedLimits(config.exchange, () => this.shared.backend(), (event) => this.workerEvents.next(event));
    this.resulting = resultsOver(broker, config.results, this.shared, (event) => this.workerEvents.next(event), () => this.gate.open());
    this.results = this.resulting.results;
    this.events = new DispatcherEvents(merge(broker.events, this.workerEvents, this.backend?.events ?? EMPTY),
      (error) => this.logger.error(`A listener of events failed: ${messageOf(error)}`, error instanceof Error ? error.stack : undefined));
    this.plainPublisher = new TaskPublisher(config, broker, gofortFormat, this.gate, this.results, (uuid, options) => this.cancel([uuid], options),
      new UniquePublisher(() => this.shared.backend(), config.publishTimeoutMs, (message, error) => this.workerEvents.next({ type: 'broker.warning', message: `${message} ${messageOf(error)}` })));
    this.publishChain = this.makePublishChain();
    this.publisher = this.publishChain ?? this.plainPublisher;
    this.workers = new WorkerRegistry({
      discover, find,
      make: (worker, handlers) => {
        for (const { name, result, unique } of handlers.values()) {
          if (result === true) this.results.want(name);
          if (unique !== undefined) this.plainPublisher.makeUnique(name, unique);
        }
        return new TaskWorker(worker, this.workerDependencies(this.withAllMiddleware(handlers)));
      },
      ready: () => this.gate.open(),
      consumes: config.role !== 'publisher',
      onRefusedStart: (worker) => this.logger.warn(`Worker "${worker}" does not consume, because the role of this process is "publisher".`),
      closeMs: config.shutdownTimeoutMs,
      made: (worker) => {
        this.applyPause(worker);
        if (this.gate.isOpen && config.role !== 'publisher') this.scheduling.start();
      },
    });
    this.queues = new LogicalQueues(broker, () => this.workers.list());
    this.pauses = new Pauses(broker, config.exchange, {
      changed: () => {
        this.applyPauses();
        this.scheduling.look();
      },
      problem: (message, error) => this.workerEvents.next({ type: 'broker.warning', message: `${message} ${messageOf(error)}` }),
    }, () => new Date());
    this.cancellations = new Cancellations(broker, config.exchange, {
      changed: () => { for (const worker of this.workers.list()) worker.cancel(calledOffBy(this.cancellations)); },
      problem: (message, error) => this.workerEvents.next({ type: 'broker.warning', message: `${message} ${messageOf(error)}` }),
    }, () => Date.now());
    this.deadLetters = new DeadLetters({
      broker, format: gofortFormat, maxTaskBytes: config.maxTaskBytes, now: () => Date.now(), ready: () => this.gate.open(),
    });
    this.workflows = new Workflows({
      backend: () => this.shared.backend(), expiresInMs: config.workflowsExpireInMs, now: () => Date.now(), ready: () => this.gate.open(),
      sender: new StepPublisher(this.publishChain ?? this.plainPublisher, broker, gofortFormat, this.deadLetters),
      callOff: (name, text) => this.cancellations.cancelAll(name, text, CALL_OFF_MS),
      onProblem: (message, error) => this.workerEvents.next({ type: 'broker.warning', message: `${message} ${messageOf(error)}` }),
    });
    this.scheduling = new Scheduling({
      broker, exchange: config.exchange, backend: () => this.shared.backend(), publisher: this.publishChain ?? this.plainPublisher,
      ready: () => this.gate.open(), emit: (event) => this.workerEvents.next(event),
    });
    this.observe();
  }

  /** @throws ConfigurationError, or what keeps the broker from being used; everything is closed again then */
  async start(): Promise<void> {
    try {
      this.publishChain?.prepare();
      const workers = this.workers.add(this.config.workers);
      await this.gate.open();
      await Promise.all(workers.map((worker) => worker.prepare()));
      if (this.config.role !== 'publisher') await Promise.all([this.pauses.watch(), this.cancellations.watch()]);
      if (this.config.role !== 'publisher') await Promise.all(workers.map((worker) => worker.start()));
      if (this.config.role !== 'publisher' && workers.length > 0) this.scheduling.start();
    } catch (error) {
      await this.close();
      throw error;
    }
    this.logger.log(`Ready on exchange "${this.config.exchange}": ${this.describeWorkers()}.`);
  }

  publishMany(tasks: readonly TaskInput[]): Promise<PublishOutcome[]> {
    return this.publishChain?.publishMany(tasks) ?? new BatchPublisher(this.plainPublisher, this.broker, this.gate).run(tasks);
  }

  async pause(target: PauseTarget, options: PauseOptions): Promise<void> {
    await this.gate.open();
    await this.pauses.pause(target, options);
  }

  async resume(target: PauseTarget): Promise<boolean> {
    await this.gate.open();
    return this.pauses.resume(target);
  }

  async paused(): Promise<Pause[]> {
    await this.gate.open();
    return this.pauses.list();
  }

  async cancel(uuids: readonly string[], options?: CancelOptions): Promise<void> {
    await this.gate.open();
    await this.cancellations.cancel(uuids, options);
  }

  private applyPauses(): void {
    for (const worker of this.workers.list()) this.applyPause(worker);
  }

  private applyPause(worker: ManagedWorker): void {
    const { name, queue } = worker;
    worker.setPaused(this.pauses.isPaused('queue', queue) || this.pauses.isPaused('worker', name)).catch((error: unknown) => {
      this.workerEvents.next({ type: 'worker.problem', worker: name, message: 'It could not consume again after a pause; pausing and resuming it tries again', error });
    });
  }

  async depth(queue: string): Promise<number | undefined> {
    await this.gate.open();
    return this.queues.depth(queue);
  }

  async purge(queue: string): Promise<number> {
    await this.gate.open();
    return this.queues.purge(queue);
  }

  async workedOff(options?: DrainOptions): Promise<void> {
    await this.gate.open();
    await drain({
      broker: this.broker, depth: (queue) => this.queues.depth(queue), now: () => performance.now(), workers: () => this.workers.list(),
      knownQueues: () => [...new Set([...this.config.queues.map(({ name }) => name), ...this.workers.list().map(({ queue }) => queue)])],
    }, options);
  }

  health(): DispatcherHealth {
    return healthOf({
      state: this.broker.state,
      workers: this.workers.list().map(({ name, queue, consuming }) => ({ name, queue, consuming })),
      lostConsumers: [...this.lostConsumers],
      paused: this.pauses.known,
      publishTimeoutMs: this.config.publishTimeoutMs,
      now: Date.now(),
    });
  }

  /** No more tasks are taken; resolves when the running ones have ended or their time is up. They can still publish. */
  drain(): Promise<void> {
    return (this.draining ??= this.drainWorkers());
  }

  /** Drains, sends out what was accepted, and lets go of the connection. Idempotent. */
  close(): Promise<void> {
    return (this.closing ??= this.closeAll());
  }

  private async drainWorkers(): Promise<void> {
    this.deadline = Date.now() + this.config.shutdownTimeoutMs;
    this.workers.refuse();
    const deadlineMs = this.config.shutdownTimeoutMs - this.closingMs();
    const stopped = this.scheduling.stop(deadlineMs);
    await Promise.all([this.pauses.stop(), this.cancellations.stop()]);
    await Promise.all([stopped, this.closeWorkers(deadlineMs)]);
  }

  private async closeAll(): Promise<void> {
    await this.drain();
    await this.threads.close();
    this.results.close();
    this.workflows.close();
    const left = (this.deadline ?? 0) - Date.now();
    const closingMs = Math.max(left, this.closingMs(), MIN_CLOSING_MS);
    await this.limits.close(closingMs / 2);
    await Promise.all([this.broker.close(closingMs), this.backend?.close(closingMs), this.shared.close(closingMs)]);
    this.workerEvents.complete();
  }

  private closingMs(): number {
    return Math.min(this.config.shutdownTimeoutMs * CLOSING_SHARE, MAX_CLOSING_MS);
  }

  private async closeWorkers(deadlineMs: number): Promise<void> {
    await this.workers.closeAll(deadlineMs).catch((error: unknown) => {
      this.logger.error(`A worker could not be closed in order: ${messageOf(error)}. The broker gives its tasks to others.`);
    });
  }

  private connect(): Promise<void> {
    const { broker, config } = this;
    return withinStart(broker, config.broker, config.startupTimeoutMs, async () => {
      await Promise.all([broker.connect(), this.backend?.connect()]);
      await broker.declare({ queues: config.queues });
    });
  }

  private observe(): void {
    for (const warning of this.config.warnings) this.logger.warn(warning);
    const eventLogger = new EventLogger(this.logger, this.config.debugMode);
    this.events.all.subscribe((event) => {
      eventLogger.log(event);
      if (event.type === 'broker.consumer-lost') this.lostConsumers.add(event.queue);
      if (event.type === 'broker.consumer-restored') this.lostConsumers.delete(event.queue);
    });
    this.broker.states.subscribe(({ status }) => {
      // Nothing will bring the connection back: running tasks end in peace, and nobody waits for more.
      if (status === 'broken') void this.closeWorkers(this.config.shutdownTimeoutMs);
    });
  }

  private makePublishChain(): PublishChain | undefined {
    const { middleware: { publish }, defaultRoutingKey } = this.config;
    if (publish === undefined || publish.length === 0) return undefined;
    return new PublishChain(this.plainPublisher, this.broker, defaultRoutingKey,
      () => resolveMiddlewares<PublishMiddleware>(publish, 'publish', 'middleware.publish', this.find),
      (middleware, { uuid, name }, error) => this.workerEvents.next({ type: 'middleware.failed', middleware, task: { uuid, name }, error }));
  }

  private withAllMiddleware(handlers: ReadonlyMap<string, Handler>): ReadonlyMap<string, Handler> {
    const global = (this.globalRun ??= resolveMiddlewares<RunMiddleware>(this.config.middleware.run, 'run', 'middleware.run', this.find));
    return new Map([...handlers].map(([name, handler]) => [name, withMiddleware(handler, [...global, ...handler.middleware ?? []])]));
  }

  private workerDependencies(handlers: ReadonlyMap<string, Handler>): ConstructorParameters<typeof TaskWorker>[1] {
    return {
      broker: this.broker, format: gofortFormat, handlers, maxTaskBytes: this.config.maxTaskBytes, isTaskPaused: (task) => this.pauses.isPaused('task', task),
      emit: (event) => this.workerEvents.next(event),
      loggerFor: (task, uuid) => this.logger.forTask(task, uuid),
      results: { recorder: this.resulting.recorder, of: this.config.results.of },
      gates: gatesOf(calledOffBy(this.cancellations), this.shared, this.limits, this.workflows.gate),
    };
  }

  private describeWorkers(): string {
    const workers = this.workers.list().map(({ name, queue, taskCount }) => `${name} (queue ${queue}, ${taskCount} tasks)`);
    if (this.config.role === 'publisher') return 'publishing only';
    return workers.length === 0 ? 'no workers' : `workers ${workers.join(', ')}`;
  }
}
