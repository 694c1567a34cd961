import { ConfigurationError } from '../../errors.js';
import type { TaskSchedule } from '../../schedules/schedule.js';
import { display } from '../../task/argument-types.js';
import { checkRetryPolicy, RETRY_OPTIONS, type RetryPolicy } from '../../task/retry-policy.js';
import { type UniqueOptions, uniqueProblem } from '../../task/unique-options.js';
import type { TaskLimitOptions } from '../../worker/limits/limit-options.js';
import type { RunMiddlewareInput } from '../../worker/middleware.js';
import { checkLimits } from './check-limits.js';
import { checkMiddlewares } from './check-middleware.js';
import { checkBoolean, checkBrokerName, checkName, checkNames, checkSeconds, refuseUnknown, requireObject } from './config-checks.js';

/** The options of `@Task`. @publicApi */
export interface TaskOptions {
  /**
   * How long the handler may run, in seconds. When it passes, the task becomes a dead letter, the slot is
   * free for another task, and the signal of the task's context is aborted; the handler itself cannot be
   * stopped from outside. Default: 0, no limit.
   */
  timeoutSeconds?: number;
  /** The handler gets the task's uuid before the task's own arguments, as in gofort/dispatcher. Default: false. */
  taskUuidAsFirstArg?: boolean;
  /** When and how often a failed attempt is repeated. Default: never; the task becomes a dead letter at once. */
  retry?: RetryPolicy;
  /**
   * The queue that it belongs in. Whoever publishes it knowing its class sends it there, by the queue's name as routing key
   * unless `routingKey` says another; workers of that queue bind it so, and only they run it. Default: that of `@Tasks` on its class; else any.
   */
  queue?: string;
  /** What it is published with where the publisher names no other. Default: the name of its `queue`; else the `defaultRoutingKey`. */
  routingKey?: string;
  /** Names of the workers that run it. Default: each worker that has no list of tasks. */
  workers?: string[];
  /** The name of the dispatcher it belongs to, where an application has several. Default: `default`. */
  dispatcher?: string;
  /**
   * When it is published by itself: a cron text of five fields, six with seconds in front, `@hourly` and its kin, or
   * `@every 30s`; or more of it as `{ cron, timeZone, missed, args, ... }`. Each tick is one task, however many
   * processes run this code. Default: never.
   */
  schedule?: string | TaskSchedule;
  /** Of `schedule`: an IANA name such as `Europe/Berlin`. Default: UTC. */
  timeZone?: string;
  /**
   * Its result is told, whoever publishes it; on RabbitMQ alone where the publishing process has this class among its
   * providers, or sends by `client(Class)`. Default: only where `publish` asks for it.
   */
  result?: boolean;
  /**
   * Of its tasks with the same key only one at a time is taken. It holds for `client(Class)`, and for whatever a process
   * publishes that has workers for it; another process must say it itself, with `unique` of the task. Default: all are.
   */
  unique?: UniqueOptions;
  /**
   * Runs around this task: functions, instances, or classes of providers, the first outermost. The dispatcher's own
   * `middleware.run` is outside of it; guards, interceptors and pipes of Nest are inside. Default: none.
   */
  middleware?: RunMiddlewareInput[];
  /**
   * Runs the handler in a thread of the pool that `threads` of the configuration describes, in a Nest context of that
   * thread: for work that keeps the processor busy. `timeoutSeconds` then really ends it. Default: false.
   */
  thread?: boolean;
  /**
   * How many of this name run at once, in this process or in all of them, how many start in a period, and the same for
   * each key, whatever the limits of the workers. Default: no limits of its own.
   */
  limits?: TaskLimitOptions;
  /**
   * Its share of the starts among the tasks of its worker while all have some waiting, from 1 to 100,000, as in
   * gocraft/work. One task with a weight makes the worker sort all of them into queues by name. Default: 1.
   */
  weight?: number;
}

/** Where a task goes. @publicApi */
export type TaskPlace = Pick<TaskOptions, 'queue' | 'routingKey'>;

/** One `@Task` on a method. */
export interface TaskMark {
  readonly name: string;
  readonly options: TaskOptions;
}

/** As in gocraft/work. */
const MOST_WEIGHT = 100_000;

const OPTIONS: readonly (keyof TaskOptions)[] = ['timeoutSeconds', 'taskUuidAsFirstArg', 'retry', 'queue', 'routingKey', 'workers', 'dispatcher', 'middleware', 'thread', 'result', 'schedule', 'timeZone', 'limits', 'unique', 'weight'];

/** @throws ConfigurationError */
export function checkTaskOptions(options: TaskOptions, where: string): TaskOptions {
  requireObject(options, `The options of ${where}`, '{ timeoutSeconds: 60 }');
  const given: TaskOptions = options;
  refuseUnknown(given, OPTIONS, where);
  return {
    timeoutSeconds: checkSeconds(given.timeoutSeconds, `timeoutSeconds of ${where}`, { fallback: 0 }),
    taskUuidAsFirstArg: checkBoolean(given.taskUuidAsFirstArg, `taskUuidAsFirstArg of ${where}`, false),
    retry: checkRetry(given.retry, where),
    ...checkTaskPlace({ queue: given.queue, routingKey: given.routingKey }, where),
    workers: checkNames(given.workers, `workers of ${where}`, "'worker_1'"),
    dispatcher: given.dispatcher === undefined ? undefined : checkName(given.dispatcher, `dispatcher of ${where}`, "dispatcher: 'orders'"),
    result: checkBoolean(given.result, `result of ${where}`, false),
    schedule: given.schedule,
    timeZone: checkTimeZoneOf(given, where),
    limits: checkLimits(given.limits, where),
    weight: checkWeight(given.weight, where),
    unique: checkUnique(given.unique, where),
    thread: checkBoolean(given.thread, `thread of ${where}`, false),
    middleware: checkMiddlewares(given.middleware, `middleware of ${where}`, 'run'),
  };
}

/** @throws ConfigurationError */
export function checkTaskPlace(place: TaskPlace, where: string): TaskPlace {
  requireObject(place, `The options of ${where}`, "{ queue: 'mail' }");
  const given: TaskPlace = place;
  refuseUnknown(given, ['queue', 'routingKey'], where);
  return {
    queue: given.queue === undefined ? undefined : checkBrokerName(given.queue, `queue of ${where}`, "queue: 'mail'"),
    routingKey: given.routingKey === undefined ? undefined : checkName(given.routingKey, `routingKey of ${where}`, "routingKey: 'mail.send'"),
  };
}

function checkTimeZoneOf({ schedule, timeZone }: TaskOptions, where: string): string | undefined {
  if (timeZone === undefined || schedule !== undefined) return timeZone;
  throw new ConfigurationError(`${where} has a timeZone and no schedule. Remove it, or write schedule: '0 3 * * *'.`, { option: 'timeZone' });
}

/** @throws ConfigurationError */
export function checkRetry(retry: RetryPolicy | undefined, where: string): RetryPolicy | undefined {
  if (retry === undefined) return undefined;
  requireObject(retry, `retry of ${where}`, '{ attempts: 5 }');
  refuseUnknown(retry, RETRY_OPTIONS, `retry of ${where}`);
  checkRetryPolicy(retry, where);
  return retry;
}

/** @throws ConfigurationError */
export function checkWeight(weight: unknown, where: string): number | undefined {
  if (weight === undefined) return undefined;
  if (Number.isSafeInteger(weight) && (weight as number) >= 1 && (weight as number) <= MOST_WEIGHT) return weight as number;
  throw new ConfigurationError(`weight of ${where} must be a whole number from 1 to ${MOST_WEIGHT}; found ${display(weight)}. The default is 1.`, { option: 'weight' });
}

/** @throws ConfigurationError */
export function checkUnique(unique: UniqueOptions | undefined, where: string): UniqueOptions | undefined {
  const problem = unique === undefined ? undefined : uniqueProblem(unique);
  if (problem !== undefined) throw new ConfigurationError(`${where}: ${problem}.`, { option: 'unique' });
  return unique;
}
