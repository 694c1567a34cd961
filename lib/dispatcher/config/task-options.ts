import type { StandardSchemaV1 } from '@standard-schema/spec';
import { ConfigurationError } from '../../errors.js';
import type { TaskSchedule } from '../../schedules/schedule.js';
import { display } from '../../task/argument-types.js';
import { VERSION } from '../../task/complete-task.js';
import { answersAtOnce } from '../../task/option-kinds.js';
import { isSchema, type TaskSchema } from '../../task/argument-schema.js';
import { checkRetryPolicy, RETRY_OPTIONS, type RetryPolicy } from '../../task/retry-policy.js';
import { type UniqueOptions, uniqueProblem } from '../../task/unique-options.js';
import type { RunOptions, TaskDefinition, TaskUpgrades } from '../../worker/handler.js';
import { checkInvoker } from '../../worker/invoker.js';
import { checkBatch, checkBesideBatch } from './check-batch.js';
import { checkBesideEdges, checkEdge, checkOrder } from './check-edges.js';
import { checkLimits } from './check-limits.js';
import { checkMiddlewares } from './check-middleware.js';
import { checkBoolean, checkBrokerName, checkName, checkNames, checkSeconds, refuseUnknown, requireObject } from './config-checks.js';

/** The options of `@Task`. @publicApi */
export interface TaskOptions extends RunOptions {
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
   * Runs the handler in a thread of the pool that `threads` of the configuration describes, in a Nest context of that
   * thread: for work that keeps the processor busy. `timeoutSeconds` then really ends it. Default: false.
   */
  thread?: boolean;
}

/** Where a task goes. @publicApi */
export type TaskPlace = Pick<TaskOptions, 'queue' | 'routingKey'>;

/** One `@Task` on a method. */
export interface TaskMark {
  readonly name: string;
  readonly options: TaskOptions;
}

/** Every option of a type, and what makes of what is given what is kept. The compiler misses a new one here. */
type Checks<Options> = { readonly [Name in keyof Required<Options>]: (value: Options[Name], where: string) => Options[Name] };

const RUN_OPTIONS: Checks<RunOptions> = {
  timeoutSeconds: (value, where) => checkSeconds(value, `timeoutSeconds of ${where}`, { fallback: 0 }),
  taskUuidAsFirstArg: (value, where) => checkBoolean(value, `taskUuidAsFirstArg of ${where}`, false),
  retry: checkRetry,
  result: (value, where) => checkBoolean(value, `result of ${where}`, false),
  unique: checkUnique,
  debounce: checkEdge('debounce'),
  throttle: checkEdge('throttle'),
  order: checkOrder,
  inbox: (value, where) => checkBoolean(value, `inbox of ${where}`, false),
  limits: checkLimits,
  batch: checkBatch,
  weight: checkWeight,
  middleware: (value, where) => checkMiddlewares(value, `middleware of ${where}`, 'run'),
  schema: checkSchema,
  version: (value, where) => (value === undefined ? undefined : checkVersion(value, where)),
  upgrade: checkUpgrades,
  resultSchema: checkResultSchema,
  description: (value, where) => (value === undefined ? undefined : checkName(value, `description of ${where}`, "description: 'Sends a mail.'")),
  deprecated: (value, where) => (typeof value === 'string' && value !== '' ? value : checkBoolean(value, `deprecated of ${where}`, false)),
  kwargs: (value, where) => checkNames(value, `kwargs of ${where}`, "'to'"),
  invoker: (value, where) => (value === undefined || typeof value === 'object' ? value && checkInvoker(value, `invoker of ${where}`) : checkName(value, `invoker of ${where}`, "invoker: 'named'")),
  compress: (value, where) => (typeof value === 'string' ? checkName(value, `compress of ${where}`, "compress: 'br'") : value === undefined ? undefined : checkBoolean(value, `compress of ${where}`, false)),
  encrypt: (value, where) => (value === undefined ? undefined : checkBoolean(value, `encrypt of ${where}`, false)),
  ids: (value, where) => (value === undefined ? undefined : checkName(value, `ids of ${where}`, "ids: 'uuid-v7'")),
};

const PLACE_OPTIONS: Checks<TaskPlace> = {
  queue: (value, where) => (value === undefined ? undefined : checkBrokerName(value, `queue of ${where}`, "queue: 'mail'")),
  routingKey: (value, where) => (value === undefined ? undefined : checkName(value, `routingKey of ${where}`, "routingKey: 'mail.send'")),
};

const TASK_OPTIONS: Checks<TaskOptions> = {
  ...RUN_OPTIONS,
  ...PLACE_OPTIONS,
  workers: (value, where) => checkNames(value, `workers of ${where}`, "'worker_1'"),
  dispatcher: (value, where) => (value === undefined ? undefined : checkName(value, `dispatcher of ${where}`, "dispatcher: 'orders'")),
  // Read as one with the task's name; see `checkTaskSchedule`.
  schedule: (value) => value,
  timeZone: (value) => value,
  thread: (value, where) => checkBoolean(value, `thread of ${where}`, false),
};

/** @throws ConfigurationError */
export function checkTaskOptions(options: TaskOptions, where: string): TaskOptions {
  const checked = checkedTogether(checkAll(options, TASK_OPTIONS, { of: `The options of ${where}`, example: '{ timeoutSeconds: 60 }', where }), where);
  if (checked.timeZone === undefined || checked.schedule !== undefined) return checked;
  throw new ConfigurationError(`${where} has a timeZone and no schedule. Remove it, or write schedule: '0 3 * * *'.`, { option: 'timeZone' });
}

/** @throws ConfigurationError */
export function checkTaskPlace(place: TaskPlace, where: string): TaskPlace {
  return checkAll(place, PLACE_OPTIONS, { of: `The options of ${where}`, example: "{ queue: 'mail' }", where });
}

/** Of a plain function of `createWorker`. @throws ConfigurationError */
export function checkTaskDefinition(definition: TaskDefinition | undefined, where: string): TaskDefinition {
  return checkedTogether(checkAll(definition, { function: checkFunction, ...RUN_OPTIONS }, { of: where, example: '{ function: (a, b) => a + b }', where }), where);
}

/** Of a task's options those that say how it is run. */
export function runOptionsOf(options: RunOptions): RunOptions {
  return Object.fromEntries(Object.keys(RUN_OPTIONS).map((name) => [name, options[name as keyof RunOptions]]));
}

function checkAll<Options extends object>(options: Options | undefined, checks: Checks<Options>, { of, example, where }: { of: string; example: string; where: string }): Options {
  requireObject(options, of, example);
  const given: Record<string, unknown> = options;
  refuseUnknown(given, Object.keys(checks), where);
  const table = Object.entries(checks) as [string, (value: unknown, where: string) => unknown][];
  return Object.fromEntries(table.map(([name, check]) => [name, check(given[name], where)])) as Options;
}

function checkFunction(value: TaskDefinition['function'] | undefined, where: string): TaskDefinition['function'] {
  if (typeof value === 'function') return value;
  throw new ConfigurationError(`${where} needs a function; found ${display(value)}.`, { option: 'function' });
}

function checkRetry(retry: RetryPolicy | undefined, where: string): RetryPolicy | undefined {
  if (retry === undefined) return undefined;
  requireObject(retry, `retry of ${where}`, '{ attempts: 5 }');
  refuseUnknown(retry, RETRY_OPTIONS, `retry of ${where}`);
  checkRetryPolicy(retry, where);
  return retry;
}

function checkUnique(unique: UniqueOptions | undefined, where: string): UniqueOptions | undefined {
  const problem = unique === undefined ? undefined : uniqueProblem(unique);
  if (problem !== undefined) throw new ConfigurationError(`${where}: ${problem}.`, { option: 'unique' });
  return unique;
}

function checkSchema(schema: TaskSchema | undefined, where: string): TaskSchema | undefined {
  if (schema === undefined) return undefined;
  const wrong = Array.isArray(schema) ? (schema as unknown[]).find((one) => !isSchema(one)) : schema;
  if (Array.isArray(schema) ? (schema as unknown[]).every(isSchema) : isSchema(schema)) return schema;
  throw new ConfigurationError(
    `schema of ${where} must be a Standard Schema, such as z.object({ ... }) of zod 3.24 or later, or a list of them, one for each argument; found ${display(wrong)}.`, { option: 'schema' });
}

function checkVersion(version: number, where: string): number {
  if (VERSION.fits(version)) return version;
  throw new ConfigurationError(`version of ${where} must be ${VERSION.expected}; found ${display(version)}.`, { option: 'version' });
}

function checkUpgrades(upgrade: TaskUpgrades | undefined, where: string): TaskUpgrades | undefined {
  if (upgrade === undefined) return undefined;
  requireObject(upgrade, `upgrade of ${where}`, '{ 1: ([width]) => [{ width }] }');
  for (const [version, make] of Object.entries<unknown>(upgrade)) {
    if (VERSION.fits(Number(version)) && answersAtOnce.fits(make)) continue;
    throw new ConfigurationError(`upgrade of ${where} must have functions that are not asynchronous by the numbers of older versions, { 1: ([width]) => [{ width }] }; found ${display(make)} at ${display(version)}.`, { option: 'upgrade' });
  }
  return upgrade;
}

/** What one option says of another. */
function checkedTogether<Options extends RunOptions>(options: Options, where: string): Options {
  checkBesideBatch(options, where);
  checkBesideEdges(options, where);
  const { version = 1, upgrade } = options;
  const later = Object.keys(upgrade ?? {}).find((from) => Number(from) >= version);
  if (later === undefined) return options;
  throw new ConfigurationError(`upgrade of ${where} is from version ${later} to ${version}, which is not older. Say version: ${Number(later) + 1}, or remove it.`, { option: 'upgrade' });
}

function checkResultSchema(schema: StandardSchemaV1 | undefined, where: string): StandardSchemaV1 | undefined {
  if (schema === undefined || isSchema(schema)) return schema;
  throw new ConfigurationError(`resultSchema of ${where} must be a Standard Schema, such as z.object({ ... }) of zod 3.24 or later; found ${display(schema)}.`, { option: 'resultSchema' });
}

/** As in gocraft/work. */
const MOST_WEIGHT = 100_000;

function checkWeight(weight: number | undefined, where: string): number | undefined {
  if (weight === undefined) return undefined;
  if (Number.isSafeInteger(weight) && weight >= 1 && weight <= MOST_WEIGHT) return weight;
  throw new ConfigurationError(`weight of ${where} must be a whole number from 1 to ${MOST_WEIGHT}; found ${display(weight)}. The default is 1.`, { option: 'weight' });
}
