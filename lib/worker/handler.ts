import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { TaskSchema } from '../task/argument-schema.js';
import type { RetryPolicy } from '../task/retry-policy.js';
import type { BatchCall } from './batches/batch-call.js';
import type { BatchOptions } from './batches/batch-options.js';
import type { TaskLimitOptions } from './limits/limit-options.js';
import type { DebounceOptions, ThrottleOptions } from '../task/edge-options.js';
import type { OrderOptions } from '../task/order-options.js';
import type { IdMakerName } from '../task/id-maker.js';
import type { UniqueOptions } from '../task/unique-options.js';
import type { Invoker, InvokerName } from './invoker.js';
import type { TaskLimits } from './limits/task-limits.js';
import type { RunMiddleware, RunMiddlewareInput } from './middleware.js';
import type { TaskContext } from './task-context.js';

/** What a worker runs for one task name. `nest/` makes these from decorated methods. */
export interface Handler {
  readonly name: string;
  /**
   * Runs the task. `args` are the task's own arguments, checked and converted, in order; with
   * `taskUuidAsFirstArg` the uuid comes before them. May return a value, a promise or throw.
   */
  run(args: unknown[], context: TaskContext): unknown;
  /**
   * After so many seconds the slot is free again, `context.signal` is aborted, and the attempt has
   * failed, while the handler may still run on. 0 or absent: no timeout.
   */
  readonly timeoutSeconds?: number;
  readonly taskUuidAsFirstArg?: boolean;
  /** When and how often a failed attempt is repeated. Default: never. */
  readonly retry?: RetryPolicy;
  /** Its results are kept, whoever publishes it. Default: only those that are asked for. */
  readonly result?: boolean;
  /** Which uuids its tasks get, where their publisher gives none. */
  readonly ids?: IdMakerName;
  /** How they are sealed, where their publisher does not say otherwise. */
  readonly compress?: boolean | string;
  readonly encrypt?: boolean;
  /** Its tasks are unique where their publisher does not say otherwise. */
  readonly unique?: UniqueOptions;
  /** Its tasks share windows where their publisher does not say otherwise. */
  readonly debounce?: DebounceOptions;
  readonly throttle?: ThrottleOptions;
  /** Its tasks stand in lines where their publisher does not say otherwise. */
  readonly order?: OrderOptions;
  /** Where it stands, for error texts: `MathTasks.add`. */
  readonly origin?: string;
  /** It calls `tellStarted(context)` when its work begins, as after waiting for a thread: only from then on its timeout counts. */
  readonly startsItself?: boolean;
  /** What may run at once, where that is less than the worker's slots; shared by all workers of the handler. */
  readonly limits?: TaskLimits;
  /** Its share among the tasks of its worker, where they have weights. */
  readonly weight?: number;
  /** Its arguments are checked by it when they are sent from here. Part of `run` already. */
  readonly schema?: TaskSchema;
  /** Default: 1. */
  readonly version?: number;
  readonly upgrade?: TaskUpgrades;
  /** Handlers of other versions of its name in this worker: it is that of the newest. */
  readonly older?: readonly Handler[];
  /** For the contract, as the three of {@link TaskDefinition}. */
  readonly resultSchema?: StandardSchemaV1;
  readonly description?: string;
  readonly deprecated?: boolean | string;
  /** The names of its parameters, in their order: arguments that arrive by name are put in their places. */
  readonly kwargs?: readonly string[];
  /** It takes many at once: what `run` joins. */
  readonly batch?: BatchCall;
  /** It runs within the inbox of its dispatcher. */
  readonly inbox?: boolean;
  /** Around this handler, inside the dispatcher's own. Not yet part of `run`. */
  readonly middleware?: readonly RunMiddleware[];
}

/**
 * By the number of an older version: from the arguments of a task of that version, as a handler gets them, to those of
 * this version. What it throws, or gives that are no arguments, makes the task a dead letter `invalid-arguments`.
 *
 * @publicApi
 */
export interface TaskUpgrades {
  readonly [version: number]: (args: readonly unknown[]) => readonly unknown[];
}

/** How a task is run: what `@Task` on a method and a plain function of `createWorker` have in common. @publicApi */
export interface RunOptions {
  /**
   * How long the handler may run, in seconds. When it passes, the attempt has failed, the slot is free for another task,
   * and the signal of the task's context is aborted; the handler itself cannot be stopped from outside. Default: 0, no limit.
   */
  timeoutSeconds?: number;
  /** The handler gets the task's uuid before the task's own arguments, as in gofort/dispatcher. Default: false. */
  taskUuidAsFirstArg?: boolean;
  /** When and how often a failed attempt is repeated. Default: never; the task becomes a dead letter at once. */
  retry?: RetryPolicy;
  /**
   * Its result is told, whoever publishes it; on RabbitMQ alone where the publishing process knows of it: has its class
   * among its providers, or sends by `client(Class)`. Default: only where `publish` asks for it.
   */
  result?: boolean;
  /**
   * Of its tasks with the same key only one at a time is taken. It holds for `client(Class)`, and for whatever a process
   * publishes that has workers for it; another process must say it itself, with `unique` of the task. Default: all are.
   */
  unique?: UniqueOptions;
  /**
   * Of many of its tasks with the same key that come shortly after one another the last runs, when nothing has come for
   * `waitSeconds`; or the first at once, or both. It holds for whom `unique` holds. Default: all run.
   */
  debounce?: DebounceOptions;
  /**
   * Of its tasks with the same key at most one starts in `windowSeconds`: the first at once, and at the end of the window the
   * last of those that came meanwhile. It holds for whom `unique` holds; not beside `debounce`. Default: all run.
   */
  throttle?: ThrottleOptions;
  /**
   * Its tasks with the same key run one after the other, in the order in which they were accepted, whatever is tried again,
   * over all processes; those of different keys side by side. It holds for whom `unique` holds. Default: in no order.
   */
  order?: OrderOptions;
  /**
   * How many of this name run at once, in this process or in all of them, how many start in a period, and the same for
   * each key, whatever the limits of the workers. Default: no limits of its own.
   */
  limits?: TaskLimitOptions;
  /**
   * The handler takes many tasks of its name at once: it is called with a list of `BatchedTask` and a `BatchContext`, and
   * says of each task what became of it. Its `timeoutSeconds` count from the call on. Default: one at a time.
   */
  batch?: BatchOptions;
  /**
   * Its share of the starts among the tasks of its worker while all have some waiting, from 1 to 100,000, as in
   * gocraft/work. One task with a weight makes the worker sort all of them into queues by name. Default: 1.
   */
  weight?: number;
  /**
   * What its arguments have to be: a Standard Schema (zod, valibot, arktype, ...) of its first argument, or a list with one
   * for each. Checked when a process that knows of it publishes the task, and when it arrives; the handler gets what
   * the schema makes of it. What it refuses is not sent, or becomes a dead letter `invalid-arguments`. Default: anything.
   */
  schema?: TaskSchema;
  /**
   * Which version of the task the handler runs: methods of one name and different versions stand side by side. Published
   * is the newest that the publishing process knows, unless `version` of the task says another. Default: 1.
   */
  version?: number;
  /**
   * What makes of the arguments of older versions those of this one, for tasks that still wait, and for publishers that
   * know no better: `{ 1: ([width]) => [{ width }] }`. Default: tasks of other versions are for other handlers.
   */
  upgrade?: TaskUpgrades;
  /** What `result()` gives, for the contract: a Standard Schema. It checks nothing. Default: nothing is said of it. */
  resultSchema?: StandardSchemaV1;
  /** What it does, for the contract. Default: nothing is said. */
  description?: string;
  /** For the contract: it is still run, and not to be published any more; a text says what to publish instead. Default: false. */
  deprecated?: boolean | string;
  /**
   * The names of its parameters, in their order, for callers who name their arguments, as Celery's do (`kwargs`): each
   * comes in its place, and a name that is not among them makes the task a dead letter. Default: what comes by name comes
   * as one object, behind the other arguments.
   */
  kwargs?: string[];
  /**
   * How its arguments become the parameters of the call: `positional`; `named`, one object with each argument under its
   * name in `kwargs`; the name of one of the configuration's `invokers`; or an invoker itself. Default: `positional`.
   */
  invoker?: InvokerName | Invoker;
  /**
   * Which uuids its tasks get where they are published without one: as `ids` of the configuration, for this name. It holds
   * for whoever has its class among its providers. Default: as the configuration says.
   */
  ids?: IdMakerName;
  /** Its tasks are compressed, as `compress` of a task, by whoever has its class among its providers. Default: as the configuration says. */
  compress?: boolean | string;
  /** The same for `encrypt`. That a worker takes no others is said by `encryption.required` of the configuration. Default: as the configuration says. */
  encrypt?: boolean;
  /**
   * Its uuid is recorded in the transaction that its handler works in, and a task whose uuid is there is not run again: its
   * effect in that database happens once. Needs `DispatcherOutboxModule` of `nestjs-dispatcher/outbox`. Default: false.
   */
  inbox?: boolean;
  /**
   * Runs around this task: functions, instances, or classes of providers, the first outermost. The dispatcher's own
   * `middleware.run` is outside of it; guards, interceptors and pipes of Nest are inside. Default: none.
   */
  middleware?: RunMiddlewareInput[];
}

/** A task given to `createWorker` as a plain function. @publicApi */
export interface TaskDefinition extends RunOptions {
  function: (...args: never[]) => unknown;
}

/** Task names and what runs them, for `createWorker`. @publicApi */
export type TaskMap = Record<string, TaskDefinition>;
