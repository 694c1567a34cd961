import { EMPTY, merge, Subject } from 'rxjs';
import type { Broker } from '../brokers/broker.js';
import type { DeadLetterQueues } from '../dead-letters/dead-letter-queues.js';
import { DeadLetters } from '../dead-letters/dead-letters.js';
import { type Audited, auditedBy, unaudited } from '../events/audited.js';
import type { DispatcherEvent, TaskFlowEvent } from '../events/dispatcher-event.js';
import type { OutcomeRecorder } from '../results/outcome-recorder.js';
import type { StateBackend } from '../state/state-backend.js';
import type { Handler } from '../worker/handler.js';
import { RemovedTasks } from '../worker/removed-tasks.js';
import { OnceGate } from '../worker/gates/once/once-gate.js';
import { onceTimes } from '../worker/gates/once/once-times.js';
import { leaseAfterMs } from '../worker/lease/lease-gate.js';
import { Quarantine } from '../worker/gates/crashes/quarantine.js';
import { SharedLimits } from '../worker/limits/shared/shared-limits.js';
import type { Steps } from '../worker/steps/steps.js';
import { TaskWorker } from '../worker/task-worker.js';
import type { WorkerConfig } from '../worker/worker-config.js';
import type { WorkerDependencies } from '../worker/worker.js';
import type { Workflows } from '../workflows/workflows.js';
import type { Actions } from './actions/actions.js';
import { actionsOver } from './actions/actions-over.js';
import type { Application } from './application.js';
import { ClaimCheck } from './claim-check.js';
import { contractFrom } from './contracting/contracting.js';
import { ControlNotes } from './control-notes.js';
import { deadLetterQueuesOver } from './dead-letters-over.js';
import { applyToPublishing } from './publishing/apply-to-publishing.js';
import { destinationOf, type DispatcherDestination } from './destination.js';
import { DispatcherLogger } from './events/dispatcher-logger.js';
import { DispatcherEvents } from './events/dispatcher-events.js';
import { gatesOf, gatesOfRemoved } from './gates-of.js';
import type { Inspecting } from './inspecting/inspecting.js';
import { inspectingOver } from './inspecting/inspecting-over.js';
import { extend, type DispatcherExtension } from './extension.js';
import { GuardedBroker } from './guarded-broker.js';
import { LateModules } from './late-modules.js';
import { RunMiddlewares } from './run-middleware.js';
import { Placement } from './placement/placement.js';
import { sharedQueueWarnings } from './placement/shared-queues.js';
import { PublishAdvice } from './placement/publish-advice.js';
import { Operations, type OperationsDependencies } from './operations.js';
import { Publishing } from './publishing/publishing.js';
import { StartGate } from './publishing/start-gate.js';
import type { ResolvedConfig } from './config/resolve-config.js';
import { backendOf } from './results/backend-of.js';
import type { ForeignSystems } from './results/foreign-systems.js';
import { resultsOver } from './results/results-over.js';
import type { TaskResults } from './results/task-results.js';
import { Revocations } from './revocations.js';
import type { Signals } from './signals.js';
import { Scheduling } from './scheduling.js';
import { SharedState } from './shared-state.js';
import { StrictWire } from './strict-wire.js';
import { TaskFormats } from './task-formats.js';
import { Startup } from './startup.js';
import { stepsOver } from './steps-over.js';
import { messageOf, stackOf } from '../task/error-text.js';
import { undeliveredQueueOf } from '../task/undelivered.js';
import { UniqueKeys } from './unique-keys.js';
import { workflowsOver } from './workflows-over.js';
import { OrderLines } from '../worker/gates/order/order-lines.js';
import { type ManagedWorker, WorkerRegistry } from './worker-registry.js';

/**
 * What one dispatcher is made of, and which part is given which. They are made in the order in which they need each
 * other; what is needed the other way round is asked for when it is used. Nothing is connected or started here: when
 * that happens, and in which order it ends, is up to `Dispatcher`.
 */
export class DispatcherParts {
  /** Whatever is published goes through it. */
  readonly broker: Broker;
  readonly logger: DispatcherLogger;
  /** How the first connection is made. */
  readonly startup: Startup;
  /** Its opening is the first connection. */
  readonly gate: StartGate;
  /** What happens here beside the events of broker and backend. */
  readonly ownEvents = new Subject<DispatcherEvent>();
  /** What happens to every task, for whom it may concern. */
  readonly taskFlow = new Subject<TaskFlowEvent>();
  readonly events: DispatcherEvents;
  /** Where results are kept, where that is configured. */
  readonly backend: StateBackend | undefined;
  /** What all processes on the exchange remember together. Opened when something needs it. */
  readonly shared: SharedState;
  readonly once: OnceGate;
  readonly limits: SharedLimits;
  readonly orders = new OrderLines(() => this.shared.backend(), { publish: (...sent) => this.broker.publish(...sent) });
  /** What is recorded of tasks while they run. */
  readonly steps: Steps;
  /** For all workers: they die together. */
  private readonly quarantine = new Quarantine();
  /** Stores of other systems. */
  readonly foreign: ForeignSystems;
  readonly results: TaskResults;
  readonly publishing: Publishing;
  readonly workers: WorkerRegistry;
  readonly control: ControlNotes;
  /** What other systems call off. */
  readonly revocations: Revocations;
  readonly operations: Operations;
  /** Ends tasks that are taken away without having been run. */
  private readonly removed: RemovedTasks;
  readonly deadLetters: DeadLetters;
  /** The same, of which nothing is told: steps of something else. */
  readonly deadLetterQueues: DeadLetterQueues;
  readonly workflows: Workflows;
  readonly scheduling: Scheduling;
  readonly inspecting: Inspecting;
  /** Modules that are loaded while it runs. */
  readonly late: LateModules;
  readonly actions: Actions;
  private place: Placement | undefined;
  readonly formats: TaskFormats;
  readonly claimCheck: ClaimCheck;
  private readonly wire: StrictWire;
  readonly emit = (event: DispatcherEvent): void => this.ownEvents.next(event);
  readonly audited: Audited = auditedBy(this.emit);
  /** Where tasks go, in words that anybody may read. */
  readonly destination: DispatcherDestination;
  /** Knows where tasks belong. */
  readonly advice = new PublishAdvice({ placement: () => this.placement, workers: () => this.workers.list(), lookForMore: () => this.late.look(), emit: this.emit });
  /** Resolves when the broker can be used. */
  readonly ready = (): Promise<void> => this.gate.ready();
  readonly signals: Signals;
  readonly uniqueKeys = new UniqueKeys({ backend: () => this.shared.backend(), ready: this.ready, audited: this.audited, orders: () => this.orders });
  private readonly recorder: OutcomeRecorder;
  private readonly middleware: RunMiddlewares;

  constructor(readonly config: ResolvedConfig, unguarded: Broker, readonly application: Application) {
    const { exchange, results: { url, own } } = config;
    this.logger = new DispatcherLogger(config.logger ?? application.logger, config.structuredLogs);
    this.destination = destinationOf(config);
    this.middleware = new RunMiddlewares(config.middleware.run, application.find);
    this.backend = own ?? (url === undefined ? undefined : backendOf(url, config));
    this.wire = new StrictWire(config.wire, config.queues);
    this.formats = new TaskFormats(config.formats, config.format, config.queues, this.wire, config.bodies);
    this.claimCheck = new ClaimCheck({ ...config, readsGo: (address) => this.wire.reads(address), isHeard: () => unguarded.state.status === 'ready' || unguarded.state.status === 'blocked', emit: this.emit });
    const broker = this.broker = new GuardedBroker(unguarded, (message, address) => this.wire.refusal(message, address), this.claimCheck);
    this.startup = new Startup({ broker, backend: this.backend, config, queues: () => this.placement.queues, emit: this.emit });
    this.gate = new StartGate(() => this.startup.connect(), this.startup.waitLimitMs, () => this.startup.notYet());
    this.events = new DispatcherEvents(merge(broker.events, this.ownEvents, this.backend?.events ?? EMPTY), this.taskFlow, (error) => this.logger.error(`A listener of events failed: ${messageOf(error)}`, stackOf(error)));
    this.shared = new SharedState(config, this.backend, this.emit);
    this.once = new OnceGate(() => this.shared.backend(), onceTimes(config.takeoverMs));
    this.limits = new SharedLimits(exchange, () => this.shared.backend(), config.takeoverMs, this.emit);
    ({ steps: this.steps, signals: this.signals } = stepsOver(this));
    ({ results: this.results, recorder: this.recorder, foreign: this.foreign } = resultsOver(broker, { config, shared: this.shared, emit: this.emit, ready: this.ready, formatOf: (task) => this.formats.nameOf(task) }));
    this.publishing = new Publishing(config, {
      broker, formats: this.formats, find: application.find, gate: this.gate, advice: this.advice, results: this.results, shared: this.shared, orders: this.orders, emit: this.emit,
      taskFlow: this.taskFlow, cancel: (uuid, options) => this.operations.cancel([uuid], options), claimed: (key, { name, uuid }) => this.inspecting.claimed(key, name, uuid), delayed: (task, dueAt) => this.inspecting.delayed(task, dueAt),
    });
    this.workers = this.makeWorkers();
    this.late = this.makeLate();
    const workers = (): readonly ManagedWorker[] => this.workers.list();
    this.control = new ControlNotes({ broker, exchange, backend: () => this.shared.backend(), workers, onPausesChanged: () => this.scheduling.look(), emit: this.emit });
    this.revocations = new Revocations(config, workers, this.emit);
    const operations = this.operationsOn(workers);
    this.operations = new Operations(operations);
    this.deadLetterQueues = deadLetterQueuesOver(this, (...removed) => this.removed.end(...removed));
    this.deadLetters = new DeadLetters(this.deadLetterQueues, this.audited);
    this.workflows = workflowsOver(this);
    this.removed = this.makeRemoved();
    broker.beforeUndelivered((message, problem) => this.removed.end(message, undeliveredQueueOf(exchange), {
      how: `was delayed and could not be delivered. ${problem}`, state: 'failed', reason: 'undelivered',
    }));
    this.scheduling = this.makeScheduling();
    this.inspecting = inspectingOver(this, () => contractFrom(this).tasks);
    this.actions = actionsOver(this, new Operations({ ...operations, audited: unaudited }));
  }

  /** Made when it is first needed: a provider may publish before the application has started. @throws ConfigurationError */
  get placement(): Placement {
    if (this.place !== undefined) return this.place;
    this.place = new Placement(this.config, this.application.features(), this.application.tasks());
    this.formats.add(...this.place.queues);
    return this.place;
  }

  /** @throws ConfigurationError for what is no extension, and once there are workers: what they run was put together then */
  use(extension: DispatcherExtension): void {
    extend({ publishing: this.publishing, middleware: this.middleware, hasStarted: this.workers.list().length > 0 || this.gate.isOpen }, extension);
  }

  warn(messages: readonly string[]): void {
    for (const message of messages) this.emit({ type: 'worker.warning', message });
  }

  /** By now every provider exists. @throws ConfigurationError */
  placeAnew(): Placement {
    const before = this.place;
    this.place = undefined;
    try {
      return this.placement;
    } catch (error) {
      this.place = before;
      throw error;
    }
  }

  private makeRemoved(): RemovedTasks {
    const { config: { maxTaskBytes }, formats, recorder, results, once, steps, shared, orders, workflows } = this;
    return new RemovedTasks({
      format: formats.reading, maxTaskBytes, recorder, isAsked: (task) => results.isAsked(task), gates: gatesOfRemoved({ once, steps, shared, orders, workflows: workflows.gate }),
    });
  }

  private makeLate(): LateModules {
    const { application, workers, config, emit } = this;
    return new LateModules({
      application, workers, placement: () => this.placement, placeAnew: () => this.placeAnew(), start: (added) => this.startLate(added),
      consumes: config.role !== 'publisher', emit,
    });
  }

  /** Without a pause before the gate is closed: the publish that found a module goes on at once, and has to wait there. */
  private async startLate(added: readonly ManagedWorker[]): Promise<void> {
    if (!this.gate.isOpen) await this.ready();
    const declared = this.broker.declare({ queues: this.placement.queues });
    this.gate.closeWhile(declared);
    await declared;
    await Promise.all(added.map((worker) => worker.prepare()));
    if (this.config.role === 'publisher') return;
    await Promise.all(added.map((worker) => worker.start()));
    await this.control.takers.renew();
  }

  private makeWorkers(): WorkerRegistry {
    const { config, application: { discover, find }, ready } = this;
    const consumes = config.role !== 'publisher';
    return new WorkerRegistry({
      discover, find, invokers: config.invokers, ready, consumes, complete: (handlers) => this.completed(handlers), placed: (worker, others, saysType) => this.placedBeside(worker, others, saysType),
      make: (worker, handlers) => this.makeWorker(worker, handlers),
      onRefusedStart: (worker) => this.logger.warn(`Worker "${worker}" does not consume, because the role of this process is "publisher".`),
      closeMs: config.shutdownTimeoutMs,
      started: () => void this.control.takers.renew(),
      made: (worker) => {
        this.control.apply(worker);
        if (this.gate.isOpen && consumes) this.scheduling.start();
      },
    });
  }

  /** One that is made at run time. */
  private placedBeside(worker: WorkerConfig, others: readonly WorkerConfig[], saysType: boolean): WorkerConfig {
    const placed = this.placeAnew().joined(worker, others, saysType);
    const known = sharedQueueWarnings(others);
    if (this.config.role !== 'publisher') this.warn(sharedQueueWarnings([...others, placed]).filter((message) => !known.includes(message)));
    return placed;
  }

  private makeWorker(config: WorkerConfig, handlers: ReadonlyMap<string, Handler>): TaskWorker {
    this.formats.add({ ...config, name: config.queue });
    return new TaskWorker(config, this.workerDependencies(config, handlers));
  }

  private completed(handlers: ReadonlyMap<string, Handler>): ReadonlyMap<string, Handler> {
    for (const family of handlers.values()) applyToPublishing(family, this.publishing.plain, this.results);
    return this.middleware.around(handlers);
  }

  private workerDependencies(worker: WorkerConfig, handlers: ReadonlyMap<string, Handler>): WorkerDependencies {
    const { broker, config, control, emit, shared, limits, orders, once, steps } = this;
    const { consumerTimeoutMs } = config;
    const calledOff = this.revocations.or(control.calledOff);
    return {
      broker, handlers, lateHandler: (name) => (this.late.look() ? handlers.get(name) : undefined), emit, taskFlow: this.taskFlow, format: this.formats.readingOf(worker.queue), maxTaskBytes: config.maxTaskBytes,
      ...this.claimCheck.ofWorkers, isTaskPaused: (task) => control.pauses.isPaused('task', task),
      cancelReasonOf: calledOff,
      whoTakes: (queue, task) => control.takers.whoTakes(queue, task),
      loggerFor: (task, uuid, fields) => this.logger.forTask(task, uuid, fields),
      results: { recorder: this.recorder, of: config.results.of }, observer: this.inspecting.observer(worker.name, worker.queue),
      gates: gatesOf(worker, { calledOff, once, steps, shared, limits, orders, quarantine: this.quarantine, workflows: this.workflows.gate, broker, exchange: config.exchange, formats: this.formats, foreign: this.foreign, emit, own: config.gates }),
      steps, lease: consumerTimeoutMs === undefined ? undefined : { gate: once, afterMs: leaseAfterMs(consumerTimeoutMs) },
    };
  }

  private makeScheduling(): Scheduling {
    const { broker, config: { exchange }, publishing, ready, emit, audited } = this;
    return new Scheduling({
      broker, exchange, backend: () => this.shared.backend(), versionOf: (name) => publishing.plain.versionOf(name), ready, emit, audited,
      publisher: publishing,
    });
  }

  private operationsOn(workers: () => readonly ManagedWorker[]): OperationsDependencies {
    const { broker, control, ready, audited, signals } = this;
    return {
      broker, control, workers, ready, audited, callOff: (uuids, why) => signals.callOff(uuids, why), queues: () => this.placement.queues,
      purged: (message, queue) => this.removed.end(message, queue, { how: `was purged from the queue "${queue}" before it was run.`, state: 'cancelled' }),
    };
  }
}
