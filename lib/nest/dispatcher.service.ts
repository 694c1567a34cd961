import type { Type } from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { BrokerState } from '../brokers/broker.js';
import type { Contract } from '../contract/model.js';
import type { ContractAbout } from '../dispatcher/contracting/contract-about.js';
import { contractFrom } from '../dispatcher/contracting/contracting.js';
import type { CancelOptions } from '../control/cancellation.js';
import type { DrainOptions } from '../control/drain.js';
import type { ReleaseOptions } from '../dispatcher/unique-keys.js';
import type { Pause, PauseOptions, PauseTarget } from '../control/pause.js';
import type { WorkerLimit } from '../control/worker-limit.js';
import type { DeadLetters } from '../dead-letters/dead-letters.js';
import type { DispatcherEvent } from '../events/dispatcher-event.js';
import type { EventFilter, EventOf } from '../events/event-filter.js';
import type { StampedEvent } from '../events/event-stamp.js';
import type { Inspection } from '../inspection/inspection.js';
import { inferArguments } from '../task/argument-form.js';
import type { Schedules } from '../schedules/schedules.js';
import type { FormatName } from '../task/format-name.js';
import { optionsDoubt, taskOfCall, type TaskCall } from '../task/named-task.js';
import type { SendOptions, TaskInput } from '../task/task.js';
import type { TaskMap } from '../worker/handler.js';
import type { WorkerConfig } from '../worker/worker-config.js';
import type { PublishedWorkflow } from '../workflows/published-workflow.js';
import type { WorkflowOptions } from '../workflows/workflow-publisher.js';
import { Workflow } from '../workflows/workflow.js';
import type { Actions } from '../dispatcher/actions/actions.js';
import type { DispatcherParts } from '../dispatcher/dispatcher-parts.js';
import type { SignalOptions } from '../dispatcher/signals.js';
import type { SignalOutcome } from '../task/signal-outcome.js';
import type { Dispatcher } from '../dispatcher/dispatcher.js';
import type { DispatcherDestination } from '../dispatcher/destination.js';
import type { DispatcherExtension } from '../dispatcher/extension.js';
import type { EventListening } from '../dispatcher/events/event-listening.js';
import type { DispatcherHealth } from '../dispatcher/health.js';
import type { KeptTask } from '../dispatcher/publishing/kept-task.js';
import type { PublishedTask, PublishOutcome } from '../dispatcher/publishing/published-task.js';
import { foreignSystemOf, type ForeignSystem } from '../dispatcher/publishing/foreign-system.js';
import { callOf } from '../dispatcher/results/call.js';
import type { Report } from '../dispatcher/results/reports.js';
import type { TaskHandle } from '../dispatcher/results/task-results.js';
import { Clients } from './clients.js';
import type { ContractClient } from './contract-client.js';
import type { TaskClient } from './task-client.js';
import type { DispatcherWorker } from '../dispatcher/worker-registry.js';

/**
 * Publishes tasks and manages workers. Inject it by its class; where an application has several dispatchers,
 * the others with `@InjectDispatcher(name)`.
 *
 * @publicApi
 */
export class DispatcherService {
  private readonly clients: Clients;

  private readonly parts: DispatcherParts;

  /** Made by `DispatcherModule`. */
  constructor(private readonly dispatcher: Dispatcher) {
    this.parts = dispatcher.parts;
    this.clients = new Clients(this.parts);
  }

  /**
   * Resolves once the broker has taken responsibility for the task; from then on it runs at least once, or
   * ends among the dead letters with its reason. Before the application has started it waits for the first
   * connection, and while disconnected for the reconnect, both within limits.
   *
   * @throws InvalidTaskError, TaskTooLargeError for a task that cannot travel
   * @throws UnroutableTaskError when no queue is bound to its routing key
   * @throws TaskRejectedError, PublishTimeoutError, PublishBufferFullError, BrokerUnavailableError, ShutdownError
   */
  publish(task: TaskInput): Promise<PublishedTask>;
  /**
   * The same by name, with options: `publish('mail.send', { args: ['Ada'], delaySeconds: 5 })`. An object with `args` and
   * nothing but options beside it is read so; to send such an object as an argument, give it its type, as above.
   */
  publish(name: string, call: TaskCall): Promise<PublishedTask>;
  /**
   * The same, with types inferred from the values: string, boolean -> bool, integer -> int, other number -> float64,
   * bigint -> int64 (uint64 beyond it), everything else -> json.
   */
  publish(name: string, ...args: unknown[]): Promise<PublishedTask>;
  /**
   * Starts a workflow. Resolves once its plan is kept and the broker has the tasks that it begins with, of a group all;
   * from then on it goes on whatever dies. When it rejects, it is called off: of what was sent nothing more is started.
   */
  publish(workflow: Workflow, options?: WorkflowOptions): Promise<PublishedWorkflow>;
  publish(first: TaskInput | string | Workflow, ...values: unknown[]): Promise<PublishedTask | PublishedWorkflow> {
    if (first instanceof Workflow) return this.parts.workflows.publish(first, values[0] as WorkflowOptions | undefined);
    const { publishing: { publisher }, advice } = this.parts;
    if (typeof first !== 'string' || values.length === 0) return publisher.publish(first, values);
    const task = taskOfCall(first, values);
    if (task !== undefined) return publisher.publish(task, []);
    const doubt = optionsDoubt(first, values);
    if (doubt !== undefined) advice.tell(first, doubt);
    return publisher.publish(first, values);
  }

  /**
   * Publishes a list, however long, with a bounded number on their way at a time. Never rejects because of one
   * task: the outcomes are in the order of the list.
   */
  publishMany(tasks: readonly TaskInput[]): Promise<PublishOutcome[]> {
    return this.parts.publishing.publishMany(tasks);
  }

  /**
   * The tasks of a provider as methods that publish: `client(MathTasks).add(1, 2)`, checked by the compiler.
   * Parameters of type `TaskContext` or `Injected<...>` are left out. A method with several `@Task` sends the first.
   *
   * @param options for each of its tasks: `client(MathTasks, { delaySeconds: 5 }).add(1, 2)`
   * @throws ConfigurationError where the class, or the method that is used, has no `@Task`
   */
  client<Provider extends object>(provider: Type<Provider>, options?: SendOptions): TaskClient<Provider>;
  /** The same for tasks of another service, by what `nestjs-dispatcher contract types` has written of its contract: `client(tasks)['order.ship'](order)`. */
  client<Tasks extends object>(tasks: ContractClient<Tasks>, options?: SendOptions): TaskClient<Tasks>;
  client<Tasks extends object>(provider: Type<Tasks> | ContractClient<Tasks>, options?: SendOptions): TaskClient<Tasks> {
    return this.clients.of(provider, options);
  }

  /**
   * Makes a worker at run time and declares its queue; `start()` lets it consume. Without `tasks` it runs
   * discovered ones, as a worker of the configuration does; without `type`, its queue has the one that is said of it elsewhere.
   *
   * @throws ConfigurationError for a name in use, a missing name or queue, an unknown task
   */
  createWorker(config: WorkerConfig, tasks?: TaskMap): Promise<DispatcherWorker> {
    return this.parts.workers.create(config, tasks);
  }

  /** The worker of this name. @throws ConfigurationError that lists the known ones */
  worker(name: string): DispatcherWorker {
    return this.parts.workers.get(name);
  }

  /**
   * Removes for good what was put into the claim store before that, and returns how many bodies it was. Run it from a schedule
   * of yours: dead letters and delayed tasks that are older lose their bodies, so take an age beyond all of them. 0 where there is no `claimCheck`.
   *
   * @throws what the store throws
   */
  sweepClaims(before: Date): Promise<number> {
    return this.parts.claimCheck.sweep(before);
  }

  /**
   * How many tasks wait in a queue now, those that workers hold and delayed ones not counted; `undefined` when there is
   * no such queue.
   */
  depth(queue: string): Promise<number | undefined> {
    return this.parts.operations.depth(queue);
  }

  /**
   * Removes for good all tasks that wait in a queue, those that workers hold and delayed ones not included. Returns how
   * many there were.
   *
   * @throws BrokerError with the code ERR_DISPATCHER_NOT_FOUND when there is no such queue
   */
  purge(queue: string, ...nothingMore: never[]): Promise<number> {
    return this.parts.operations.purge(queue, nothingMore);
  }

  /**
   * Resolves when the queues, what is delayed, and what runs in this process' workers have been worked off. It stops
   * nothing: publishing and consuming go on meanwhile. Tasks in the hands of other processes are in no count; those
   * that fail there count again once they are back.
   *
   * @throws DispatcherError with the code ERR_DISPATCHER_DRAIN_TIMEOUT and what is left as its fields
   */
  drain(options?: DrainOptions): Promise<void> {
    return this.parts.operations.drain(options);
  }

  /**
   * Pauses a queue, a task name or a worker's name in every process on this exchange, now and after restarts, until
   * it is resumed. A paused queue or worker is not consumed: what has not started goes back, what runs ends. Tasks of a
   * paused name are put off uncharged, again and again. Pausing what is paused replaces who, when and why.
   *
   * @throws ConfigurationError where it is not said what, by whom or why
   */
  pause(target: PauseTarget, options: PauseOptions): Promise<void> {
    return this.parts.operations.pause(target, options);
  }

  /** Ends a pause, everywhere. False when it was not paused. Tasks of a resumed name run within 30 seconds. */
  resume(target: PauseTarget): Promise<boolean> {
    return this.parts.operations.resume(target);
  }

  /**
   * Frees a unique key by hand, as `inspect.locks()` tells it: of a task that is gone for good and whose key would stay
   * taken until it expires. A task that is there all the same runs, beside the next one of its key. Of a line
   * of ordered tasks (`order`) the next one comes: for where the dead letter that it stands still behind is gone. Who did
   * it and why is told as an action.
   *
   * @returns false when nobody held it
   * @throws ConfigurationError for what is neither, and what the shared state throws
   */
  releaseUnique(key: string, options: ReleaseOptions): Promise<boolean> {
    return this.parts.uniqueKeys.release(key, options);
  }

  /** What is paused on this exchange, by whom, since when and why. */
  paused(): Promise<Pause[]> {
    return this.parts.operations.paused();
  }

  /** Which limits `actions.limit` has set for workers of this exchange, by whom, since when and why. */
  workerLimits(): Promise<WorkerLimit[]> {
    return this.parts.operations.workerLimits();
  }

  /**
   * Calls tasks off by their uuids, in every process on this exchange: what waits, is delayed or is to be retried does
   * not run any more, and ends as cancelled; what runs is asked to stop by its `AbortSignal`, and has ended as cancelled
   * if it then throws. Resolves when that is kept and told. Whether there is such a task, and whether it has ended
   * already, nobody knows: then nothing happens.
   *
   * @throws ConfigurationError for what is no uuid
   * @throws DispatcherError with the code ERR_DISPATCHER_TOO_MANY_CANCELLATIONS
   */
  cancel(uuid: string | readonly string[], options?: CancelOptions): Promise<void> {
    return this.parts.operations.cancel(typeof uuid === 'string' ? [uuid] : uuid, options);
  }

  /**
   * Tells a task what it waits for by `context.waitFor(name)`: recorded first, then the task goes on. It may be said before
   * the task waits, and before it runs. Of one name the first value counts. When this rejects, it may be recorded: say it again.
   *
   * @param name up to 200 characters
   * @param value anything JSON can say, as a result. Default: undefined
   * @returns what has become of it, see {@link SignalOutcome}
   * @throws ConfigurationError for what is no uuid; StepError for a name that is none, and a value that cannot be kept
   */
  signal(uuid: string, name: string, value?: unknown, options?: SignalOptions): Promise<SignalOutcome> {
    return this.parts.signals.send(uuid, name, value, options);
  }

  /** The dead letters of the work queues: list, look, replay, discard, trim. */
  get deadLetters(): DeadLetters {
    return this.parts.deadLetters;
  }

  /** Cron and other recurring tasks of the exchange: add, list, pause, trigger now, remove. Those of `@Task` are among them. */
  get schedules(): Schedules<PublishedTask> {
    return this.parts.scheduling.schedules;
  }

  /** What happens on the exchange now, in all processes: who lives, what runs, what failed, where a task is. */
  get inspect(): Inspection {
    return this.parts.inspecting.inspection;
  }

  /**
   * Everything that can be done to the running system, by filter and in bulk, with who does it and a dry run that counts
   * first: `actions.discard({ queue: 'mail.*' }, { by: 'ann', dryRun: true })`.
   */
  get actions(): Actions {
    return this.parts.actions;
  }

  /**
   * Chains, groups and chords of another system, carried on by its workers and by ours: `foreign('celery').chord(tasks, callback)`.
   *
   * @throws ConfigurationError for a format that has no such, or whose results are kept nowhere (`foreignResults`)
   */
  foreign(format: FormatName): ForeignSystem {
    return foreignSystemOf(this.parts, format);
  }

  /**
   * What this application's tasks are called and take, where they go and what they give: those whose code is here, and
   * those that its workers run. `contractText` writes it as an AsyncAPI document.
   *
   * @throws ConfigurationError for options that cannot be
   */
  contract(about?: ContractAbout): Contract {
    return contractFrom(this.parts, about);
  }

  /**
   * A task by its uuid: its state, timeline, reports and result. With a store as `resultBackend` any process can ask;
   * on RabbitMQ alone the one that has published it with `result: true`.
   *
   * @throws ConfigurationError where nothing can be known of it in this process
   */
  task<Value = unknown>(uuid: string): TaskHandle<Value> {
    return this.parts.results.handle(uuid) as TaskHandle<Value>;
  }

  /**
   * Publishes when it is subscribed to, each time anew, and reports what becomes of the task: published, received,
   * started, progress, retrying, and the end, which carries the value; then it completes. A failure is the final report,
   * and then the error (TaskFailedError) of the Observable; what keeps the task from being published is an error alone.
   * Whoever unsubscribes is told nothing more, the worker stops sending progress, and the task goes on.
   */
  call<Value = unknown>(task: TaskInput): Observable<Report<Value>>;
  call<Value = unknown>(name: string, call: TaskCall): Observable<Report<Value>>;
  call<Value = unknown>(name: string, ...args: unknown[]): Observable<Report<Value>>;
  call(first: TaskInput | string, ...values: unknown[]): Observable<Report> {
    const task: TaskInput = typeof first === 'string' ? taskOfCall(first, values) ?? { name: first, args: inferArguments(values) } : first;
    return callOf(() => this.publish({ ...task, result: true }), (uuid) => this.parts.results.withdraw(uuid));
  }

  /** A workflow by its uuid, published by whatever process: its result, progress, cancel and retry. @throws InvalidTaskError */
  workflow(uuid: string): PublishedWorkflow {
    return this.parts.workflows.handle(uuid);
  }

  /**
   * Puts something around all that is published and run, outside of the middleware of the configuration: for what observes
   * a dispatcher without being named in its configuration. What is given first is outermost.
   *
   * @throws ConfigurationError for what is no extension, and once the dispatcher has started
   */
  use(extension: DispatcherExtension): void {
    this.parts.use(extension);
  }

  /**
   * Sends a task that was kept, see `keep` of {@link use}; it is not checked or changed again. Resolves and rejects as `publish`
   * does. Of a task whose unique key another holds by now nothing is sent.
   */
  sendKept(task: KeptTask): Promise<void> {
    return this.parts.publishing.plain.sendKept(task);
  }

  /** Where tasks go: the exchange, and the messaging system that carries it. */
  get destination(): DispatcherDestination {
    return this.parts.destination;
  }

  /** Where the connection stands now. */
  get state(): BrokerState {
    return this.parts.broker.state;
  }

  /** The current state on subscription, then each change; `broken` means that reconnecting was given up. */
  get states(): Observable<BrokerState> {
    return this.parts.broker.states;
  }

  /**
   * What happens in the system from subscription on, each event with `level`, `origin` and `at`; all, or what the filter
   * lets pass. Completes when closed. Listeners are called at once and should do little: see {@link listen}. What one
   * throws is logged and hurts nobody.
   *
   * @throws ConfigurationError for a level or an origin that does not exist
   */
  events<Type extends DispatcherEvent['type'] = DispatcherEvent['type']>(filter?: EventFilter<Type>): Observable<EventOf<Type>> {
    return this.parts.events.matching(filter) as Observable<EventOf<Type>>;
  }

  /**
   * {@link events} for a listener that takes its time: it gets one after the other, each when the promise of the one
   * before has settled. Nobody waits for it: of what comes meanwhile `maxWaiting` events (default 1,000) wait, further
   * ones are dropped and counted in `dropped`.
   *
   * @throws ConfigurationError for options that cannot work
   */
  listen<Type extends DispatcherEvent['type'] = DispatcherEvent['type']>(
    listener: (event: EventOf<Type>) => unknown, options: EventFilter<Type> & { maxWaiting?: number } = {},
  ): EventListening {
    return this.parts.events.listen(listener as (event: StampedEvent) => unknown, options);
  }

  /** How it stands, for health checks. */
  health(): DispatcherHealth {
    return this.dispatcher.health();
  }

  /**
   * Lets running tasks end, sends out what was accepted, and disconnects, within `shutdownTimeoutSeconds`. The
   * module does it when the application closes; for scripts. Idempotent.
   */
  close(): Promise<void> {
    return this.dispatcher.close();
  }
}
