import type { Broker } from '../../brokers/broker.js';
import type { EventSink, TaskFlow } from '../../events/dispatcher-event.js';
import type { TaskHeaders, TaskInput } from '../../task/task.js';
import { resolveMiddlewares, type FindProvider } from '../resolve-middleware.js';
import type { ResolvedConfig } from '../config/resolve-config.js';
import type { TaskResults } from '../results/task-results.js';
import type { OrderLines } from '../../worker/gates/order/order-lines.js';
import type { SharedState } from '../shared-state.js';
import type { TaskFormats } from '../task-formats.js';
import { messageOf } from '../../task/error-text.js';
import { PublishChain } from './publish-chain.js';
import { EdgePublisher } from './edge-publisher.js';
import { OrderPublisher } from './order-publisher.js';
import { BatchPublisher } from './publish-many.js';
import type { PublishMiddleware } from './publish-middleware.js';
import type { PublishAdvice } from '../placement/publish-advice.js';
import type { Cancel, PublishedTask, PublishOutcome } from './published-task.js';
import type { StartGate } from './start-gate.js';
import { TaskPublisher, type TellDelayed } from './task-publisher.js';
import { UniquePublisher, type UniqueTold } from './unique-publisher.js';

export interface PublishingDependencies {
  readonly broker: Broker;
  readonly formats: TaskFormats;
  readonly gate: StartGate;
  readonly advice: PublishAdvice;
  readonly results: TaskResults;
  readonly shared: SharedState;
  readonly orders: OrderLines;
  readonly cancel: Cancel;
  /** For middlewares that are given as classes. */
  readonly find: FindProvider;
  readonly emit: EventSink;
  readonly taskFlow: TaskFlow;
  /** A unique key was taken. */
  readonly claimed: UniqueTold['claimed'];
  /** The broker has taken a task that is not due yet. */
  readonly delayed: TellDelayed;
}

/** The ways to publish in one application: through its middlewares, or without a detour where it has none. */
export class Publishing {
  /** Without middlewares. */
  readonly plain: TaskPublisher;
  /** Outside of those of the configuration. */
  private readonly outer: PublishMiddleware[] = [];
  private chain: PublishChain | undefined;

  constructor(private readonly config: ResolvedConfig, private readonly dependencies: PublishingDependencies) {
    const { broker, formats, gate, advice, results, shared, orders, cancel, emit, taskFlow, claimed, delayed } = dependencies;
    const told = { claimed, problem: (message: string, error: unknown) => emit({ type: 'broker.warning', message: `${message} ${messageOf(error)}` }) };
    const unique = new UniquePublisher(() => shared.backend(), config.publishTimeoutMs, told);
    const edges = new EdgePublisher(() => shared.backend(), config.publishTimeoutMs, {
      ...told,
      absorbed: ({ uuid, name }, by, replaced) => { if (taskFlow.observed) taskFlow.next({ type: 'task.absorbed', task: { uuid, name }, by, replaced }); },
    });
    this.plain = new TaskPublisher(config, broker, formats, gate, results, cancel, { unique, edges, orders: new OrderPublisher(orders, config.publishTimeoutMs, claimed), delayed }, taskFlow, config.ids, advice);
    this.chain = this.makeChain();
  }

  get publisher(): TaskPublisher | PublishChain {
    return this.chain ?? this.plain;
  }

  publish(task: TaskInput, values: readonly unknown[]): Promise<PublishedTask> {
    return this.publisher.publish(task, values);
  }

  /** For what the library itself publishes. @throws what `publish` throws */
  publishWithHeaders(task: TaskInput, ours: TaskHeaders): Promise<PublishedTask> {
    return this.publisher.publishWithHeaders(task, ours);
  }

  /** Around all that is published from now on, inside of those that came before. */
  use(middleware: PublishMiddleware): void {
    this.outer.push(middleware);
    this.chain = this.makeChain();
  }

  /** Shows at the start what would fail at each task. @throws ConfigurationError */
  prepare(): void {
    this.chain?.prepare();
  }

  publishMany(tasks: readonly TaskInput[]): Promise<PublishOutcome[]> {
    const { broker, gate } = this.dependencies;
    return this.chain?.publishMany(tasks) ?? new BatchPublisher(this.plain, broker, gate).run(tasks);
  }

  private makeChain(): PublishChain | undefined {
    const { middleware: { publish = [] }, defaultRoutingKey } = this.config;
    const outer = [...this.outer];
    if (outer.length + publish.length === 0) return undefined;
    const { broker, find, emit, advice } = this.dependencies;
    return new PublishChain(this.plain, broker, (name) => advice.routeOf(name) ?? defaultRoutingKey,
      () => [...outer, ...resolveMiddlewares<PublishMiddleware>(publish, 'publish', 'middleware.publish', find)],
      (middleware, { uuid, name }, error) => emit({ type: 'middleware.failed', middleware, task: { uuid, name }, error }));
  }
}
