import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { TaskSchema } from '../task/argument-schema.js';
import type { RetryPolicy } from '../task/retry-policy.js';
import type { TaskLimitOptions } from './limits/limit-options.js';
import type { UniqueOptions } from '../task/unique-options.js';
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
  /** Its tasks are unique where their publisher does not say otherwise. */
  readonly unique?: UniqueOptions;
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

/** A task given to `createWorker` as a plain function. @publicApi */
export interface TaskDefinition {
  function: (...args: never[]) => unknown;
  /** See {@link Handler.timeoutSeconds}. Default: 0, no timeout. */
  timeoutSeconds?: number;
  /** The task's uuid comes before its own arguments, as in gofort/dispatcher. Default: false. */
  taskUuidAsFirstArg?: boolean;
  /** When and how often a failed attempt is repeated. Default: never. */
  retry?: RetryPolicy;
  /** Its results are told, whoever publishes it; on RabbitMQ alone the publishing process must know of it. Default: only those that are asked for. */
  result?: boolean;
  /** Its tasks are unique where this process publishes them, and does not say otherwise. Default: they are not. */
  unique?: UniqueOptions;
  /** How many of this name run at once or start in a period, here or in all processes. Default: no limits of its own. */
  limits?: TaskLimitOptions;
  /** Its share among the tasks of the worker, from 1 to 100,000. Default: 1, and no sorting where no task has one. */
  weight?: number;
  /** What its arguments have to be: a Standard Schema of its first argument, or a list with one for each. Default: anything. */
  schema?: TaskSchema;
  /** Which version of the task it runs, see docs/contract.md. Default: 1. */
  version?: number;
  /** By older versions, what makes of their arguments those of this one. Default: their tasks are not for it. */
  upgrade?: TaskUpgrades;
  /** What `result()` gives, for the contract: a Standard Schema. It checks nothing. Default: nothing is said of it. */
  resultSchema?: StandardSchemaV1;
  /** What it does, for the contract. Default: nothing is said. */
  description?: string;
  /** For the contract: it is still run, and not to be published any more; a text says what to publish instead. Default: false. */
  deprecated?: boolean | string;
  /**
   * The names of its parameters, in their order, for callers who name their arguments, as Celery's do (`kwargs`). Default:
   * what comes by name comes as one object, behind the other arguments.
   */
  kwargs?: string[];
  /** Runs around this task, inside the dispatcher's own `middleware.run`; the first is outermost. Default: none. */
  middleware?: RunMiddlewareInput[];
}

/** Task names and what runs them, for `createWorker`. @publicApi */
export type TaskMap = Record<string, TaskDefinition>;
