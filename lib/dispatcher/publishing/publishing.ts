import type { Broker } from '../../brokers/broker.js';
import type { EventSink, TaskFlow } from '../../events/dispatcher-event.js';
import { gofortFormat } from '../../formats/gofort.js';
import type { TaskInput } from '../../task/task.js';
import { resolveMiddlewares, type FindProvider } from '../resolve-middleware.js';
import type { ResolvedConfig } from '../config/resolve-config.js';
import type { TaskResults } from '../results/task-results.js';
import type { SharedState } from '../shared-state.js';
import { messageOf } from '../../task/error-text.js';
import { PublishChain } from './publish-chain.js';
import { BatchPublisher } from './publish-many.js';
import type { PublishMiddleware } from './publish-middleware.js';
import type { PublishAdvice } from '../placement/publish-advice.js';
import type { Cancel, PublishOutcome } from './published-task.js';
import type { StartGate } from './start-gate.js';
import { TaskPublisher } from './task-publisher.js';
import { UniquePublisher, type UniqueTold } from './unique-publisher.js';

export interface PublishingDependencies {
  readonly broker: Broker;
  readonly gate: StartGate;
  readonly advice: PublishAdvice;
  readonly results: TaskResults;
  readonly shared: SharedState;
  readonly cancel: Cancel;
  /** For middlewares that are given as classes. */
  readonly find: FindProvider;
  readonly emit: EventSink;
  readonly taskFlow: TaskFlow;
  /** A unique key was taken. */
  readonly claimed: UniqueTold['claimed'];
}

/** The ways to publish in one application: through its middlewares, or without a detour where it has none. */
export class Publishing {
  readonly publisher: TaskPublisher | PublishChain;
  /** Without middlewares. */
  readonly plain: TaskPublisher;
  private readonly chain: PublishChain | undefined;

  constructor(config: ResolvedConfig, private readonly dependencies: PublishingDependencies) {
    const { broker, gate, advice, results, shared, cancel, emit, taskFlow, claimed } = dependencies;
    const unique = new UniquePublisher(() => shared.backend(), config.publishTimeoutMs,
      { claimed, problem: (message, error) => emit({ type: 'broker.warning', message: `${message} ${messageOf(error)}` }) });
    this.plain = new TaskPublisher(config, broker, gofortFormat, gate, results, cancel, unique, taskFlow, advice);
    this.chain = this.chainOf(config);
    this.publisher = this.chain ?? this.plain;
  }

  /** Shows at the start what would fail at each task. @throws ConfigurationError */
  prepare(): void {
    this.chain?.prepare();
  }

  publishMany(tasks: readonly TaskInput[]): Promise<PublishOutcome[]> {
    const { broker, gate } = this.dependencies;
    return this.chain?.publishMany(tasks) ?? new BatchPublisher(this.plain, broker, gate).run(tasks);
  }

  private chainOf({ middleware: { publish }, defaultRoutingKey }: ResolvedConfig): PublishChain | undefined {
    if (publish === undefined || publish.length === 0) return undefined;
    const { broker, find, emit, advice } = this.dependencies;
    return new PublishChain(this.plain, broker, (name) => advice.routeOf(name) ?? defaultRoutingKey,
      () => resolveMiddlewares<PublishMiddleware>(publish, 'publish', 'middleware.publish', find),
      (middleware, { uuid, name }, error) => emit({ type: 'middleware.failed', middleware, task: { uuid, name }, error }));
  }
}
