import { ConfigurationError } from '../../errors.js';
import { BatchCall } from '../../worker/batches/batch-call.js';
import type { BatchOptions } from '../../worker/batches/batch-options.js';
import { batchRun } from '../../worker/batches/batch-run.js';
import type { Handler } from '../../worker/handler.js';
import { taskStorage, type TaskContext } from '../../worker/task-context.js';
import { isPerTask } from '../discovery/discover-tasks.js';
import { describeTask, methodOf, type DiscoveredTask } from '../discovery/discovered-task.js';
import type { ParameterMark } from './parameters.js';
import type { RunTask, TaskPipeline } from './task-pipeline.js';

/** What one call for many tasks cannot have of Nest. @throws ConfigurationError */
export function checkBatchHandler(task: DiscoveredTask, marks: readonly ParameterMark[]): void {
  if (isPerTask(task.wrapper)) {
    throw new ConfigurationError(`${describeTask(task)} takes many tasks at once, but its class is made for each task (request-scoped, or something that it injects is). Give the method a class with the default scope.`, { task: task.name });
  }
  if (marks.length > 0) {
    throw new ConfigurationError(`${describeTask(task)} takes many tasks at once: its parameters are (tasks, batch), and a decorator on parameter ${(marks[0] as ParameterMark).index + 1} is of a single one. `
      + 'Remove it; task.args, task.uuid and task.context have what it gave, and what arguments have to be is said by schema.', { task: task.name });
  }
}

/** @param settle what becomes of an Observable that a method returns */
export function batchCallOf({ name, wrapper, methodName }: DiscoveredTask, batch: BatchOptions, settle: (result: unknown) => unknown): BatchCall {
  const host = wrapper.instance as Record<string, (...args: unknown[]) => unknown>;
  // Looked up at each call, as any caller of the method does.
  return new BatchCall(name, batch, (tasks, context) => settle(host[methodName]!(tasks, context)));
}

/** Guards, interceptors and filters are about each task: what stands inside of them waits for the call of all. */
export function batchItemRun(call: BatchCall, task: DiscoveredTask, pipeline: TaskPipeline | undefined): Handler['run'] | RunTask {
  const run = batchRun(call);
  if (pipeline === undefined) return run;
  const item = (...args: unknown[]): unknown => run(args, taskStorage.getStore() as TaskContext);
  return pipeline.runner(task.wrapper.instance as object, undefined, withMetadataOf(methodOf(task), item));
}

/** For whoever asks the handler for what decorators have written there, as guards do. */
function withMetadataOf(method: object, item: (...args: unknown[]) => unknown): (...args: unknown[]) => unknown {
  for (const key of Reflect.getMetadataKeys(method) as unknown[]) Reflect.defineMetadata(key, Reflect.getMetadata(key, method), item);
  return Object.defineProperty(item, 'name', { value: (method as { name?: string }).name ?? '' });
}
