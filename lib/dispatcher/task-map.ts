import { ConfigurationError } from '../errors.js';
import { display } from '../task/argument-types.js';
import type { Handler, TaskDefinition, TaskMap } from '../worker/handler.js';
import type { RunMiddleware } from '../worker/middleware.js';
import type { WorkerConfig } from '../worker/worker-config.js';
import { TaskLimits } from '../worker/limits/task-limits.js';
import { checkLimits } from './config/check-limits.js';
import { checkBoolean, checkSeconds, refuseUnknown, requireObject } from './config/config-checks.js';
import { checkRetry, checkUnique, checkWeight } from './config/task-options.js';
import { checkMiddlewares } from './config/check-middleware.js';
import { resolveMiddlewares, type FindProvider } from './resolve-middleware.js';

const OPTIONS: readonly (keyof TaskDefinition)[] = ['function', 'timeoutSeconds', 'taskUuidAsFirstArg', 'retry', 'result', 'limits', 'unique', 'weight', 'middleware'];

/** The plain functions given to `createWorker` as handlers. @throws ConfigurationError */
export function handlersOf(tasks: TaskMap, worker: WorkerConfig, find: FindProvider): ReadonlyMap<string, Handler> {
  requireObject(tasks, `The tasks of worker "${worker.name}"`, '{ task_1: { function: (a, b) => a + b } }');
  const names = Object.keys(tasks);
  for (const name of worker.tasks ?? []) {
    if (!names.includes(name)) {
      throw new ConfigurationError(`Worker "${worker.name}" lists the task "${name}", but the given functions are: ${names.join(', ') || 'none'}.`, { worker: worker.name, task: name });
    }
  }
  const taken = worker.tasks ?? names;
  return new Map(taken.map((name) => [name, handlerOf(name, tasks[name], worker.name, find)]));
}

function handlerOf(name: string, definition: TaskDefinition | undefined, worker: string, find: FindProvider): Handler {
  const where = `The task "${name}" of worker "${worker}"`;
  if (name === '') throw new ConfigurationError(`A task of worker "${worker}" has no name. Write { task_1: { function } }.`, { worker });
  requireObject(definition, where, '{ function: (a, b) => a + b }');
  const given = definition as unknown as TaskDefinition;
  refuseUnknown(given, OPTIONS, where);
  const run = given.function as ((...args: unknown[]) => unknown) | undefined;
  if (typeof run !== 'function') throw new ConfigurationError(`${where} needs a function; found ${display(run)}.`, { worker, task: name });
  const limits = checkLimits(given.limits, where);
  return {
    name,
    origin: run.name === '' ? where : run.name,
    timeoutSeconds: checkSeconds(given.timeoutSeconds, `timeoutSeconds of ${where}`, { fallback: 0 }),
    taskUuidAsFirstArg: checkBoolean(given.taskUuidAsFirstArg, `taskUuidAsFirstArg of ${where}`, false),
    retry: checkRetry(given.retry, where),
    result: checkBoolean(given.result, `result of ${where}`, false),
    unique: checkUnique(given.unique, where),
    limits: limits && new TaskLimits(name, limits),
    weight: checkWeight(given.weight, where),
    run: (args) => run(...args),
    middleware: resolveMiddlewares<RunMiddleware>(checkMiddlewares(given.middleware, `middleware of ${where}`, 'run'), 'run', `middleware of ${where}`, find),
  };
}
