import { ConfigurationError } from '../errors.js';
import type { Handler, TaskDefinition, TaskMap } from '../worker/handler.js';
import { schemasOf } from '../task/argument-schema.js';
import type { Invokers } from '../worker/invokers.js';
import { BatchCall } from '../worker/batches/batch-call.js';
import { batchParts, batchRun } from '../worker/batches/batch-run.js';
import { withSchemas } from '../worker/with-schemas.js';
import type { WorkerConfig } from '../worker/worker-config.js';
import { requireObject } from './config/config-checks.js';
import { checkTaskDefinition } from './config/task-options.js';
import { handlerOptions } from './handler-options.js';
import type { FindProvider } from './resolve-middleware.js';

export interface HandlerSources {
  readonly find: FindProvider;
  readonly invokers: Invokers;
}

/** The plain functions given to `createWorker` as handlers. @throws ConfigurationError */
export function handlersOf(tasks: TaskMap, worker: WorkerConfig, { find, invokers }: HandlerSources): ReadonlyMap<string, Handler> {
  requireObject(tasks, `The tasks of worker "${worker.name}"`, '{ task_1: { function: (a, b) => a + b } }');
  const names = Object.keys(tasks);
  for (const name of worker.tasks ?? []) {
    if (!names.includes(name)) {
      throw new ConfigurationError(`Worker "${worker.name}" lists the task "${name}", but the given functions are: ${names.join(', ') || 'none'}.`, { worker: worker.name, task: name });
    }
  }
  const taken = worker.tasks ?? names;
  return new Map(taken.map((name) => [name, handlerOf(name, tasks[name], worker.name, { find, invokers })]));
}

function handlerOf(name: string, definition: TaskDefinition | undefined, worker: string, { find, invokers }: HandlerSources): Handler {
  const where = `The task "${name}" of worker "${worker}"`;
  if (name === '') throw new ConfigurationError(`A task of worker "${worker}" has no name. Write { task_1: { function } }.`, { worker });
  const checked = checkTaskDefinition(definition, where);
  const run = checked.function as (...args: unknown[]) => unknown;
  const { schema, taskUuidAsFirstArg, batch } = checked;
  const call = batch && new BatchCall(name, batch, run);
  return {
    name, origin: run.name === '' ? where : run.name, ...handlerOptions(name, checked, where, find),
    run: withSchemas(name, schema && schemasOf(schema), taskUuidAsFirstArg, invokers.around({ ...checked, name }, call === undefined ? (args) => run(...args) : batchRun(call))),
    ...call && batchParts(call),
  };
}
