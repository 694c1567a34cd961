import { isObservable, lastValueFrom } from 'rxjs';
import { batchParts } from '../../worker/batches/batch-run.js';
import type { Handler } from '../../worker/handler.js';
import { schemasOf } from '../../task/argument-schema.js';
import { Invokers } from '../../worker/invokers.js';
import { withSchemas } from '../../worker/with-schemas.js';
import type { TaskContext } from '../../worker/task-context.js';
import { isPerTask } from '../discovery/discover-tasks.js';
import { describeTask, type DiscoveredTask } from '../discovery/discovered-task.js';
import { handlerOptions } from '../../dispatcher/handler-options.js';
import type { ThreadRunner } from '../threads/thread-runner.js';
import { batchCallOf, batchItemRun, checkBatchHandler } from './batch-handler.js';
import { countEnhancers, countGlobals, hasAny, NO_ENHANCERS } from './enhancers.js';
import { parametersOf, UndecoratedParameters, valueFor, type ParameterMark } from './parameters.js';
import { resolveForTask } from './per-task-instance.js';
import type { HandlerSurroundings } from './surroundings.js';
import { TaskPipeline } from './task-pipeline.js';

type Run = Handler['run'];

/**
 * What a worker calls for this task. Nothing of Nest is in the way of a handler that has no enhancers.
 *
 * @throws ConfigurationError where a decorator or an enhancer on the handler cannot work
 */
export function createHandler(task: DiscoveredTask, surroundings: HandlerSurroundings): Handler {
  const { name, origin, options } = task;
  const { container, globals, scope, find, threads } = surroundings;
  const decorated = parametersOf(task);
  const marks = scope === 'none' ? decorated.map((mark) => ({ ...mark, pipes: [] })) : decorated;
  const counts = countEnhancers(task, scope, scope === 'all' ? countGlobals(globals) : NO_ENHANCERS);
  if (counts.pipes > 0 && marks.length === 0) surroundings.warn(skippedPipes(task));
  const needsNest = hasAny(counts) || marks.some((mark) => mark.kind === undefined || mark.pipes.length > 0);
  const pipeline = needsNest ? new TaskPipeline(container, scope === 'all' ? globals : undefined, task, marks, counts) : undefined;
  if (options.batch !== undefined) checkBatchHandler(task, decorated);
  const call = options.batch && batchCallOf(task, options.batch, settle);
  const unchecked = call !== undefined ? batchItemRun(call, task, pipeline) : isPerTask(task.wrapper) ? perTaskRun(task, pipeline, marks) : staticRun(task, pipeline, marks);
  // A thread has only those that are built in, or given: what is made here shows such a mistake at the start.
  const invoked = (options.thread ? new Invokers() : surroundings.invokers).around({ ...options, name }, unchecked);
  const run = withSchemas(name, options.schema && schemasOf(options.schema), options.taskUuidAsFirstArg, invoked);
  if (threads === undefined) return { name, origin, run };
  const handler: Handler = { name, origin, run, ...handlerOptions(name, options, `@Task('${name}')`, (provider) => find(provider, task.host)), ...call && batchParts(call) };
  return options.thread ? inThread(handler, threads) : handler;
}

/** What was made for here has shown its mistakes; what runs is made by the thread. */
function inThread(handler: Handler, threads: ThreadRunner): Handler {
  threads.prepare(`@Task('${handler.name}')`);
  return { ...handler, startsItself: true, run: (args, context) => threads.run(handler.name, args, context, handler.version) };
}

function staticRun(task: DiscoveredTask, pipeline: TaskPipeline | undefined, marks: readonly ParameterMark[]): Run {
  const instance = task.wrapper.instance as object;
  return pipeline === undefined ? directRun(instance, task, marks) : pipeline.runner(instance);
}

function perTaskRun(task: DiscoveredTask, pipeline: TaskPipeline | undefined, marks: readonly ParameterMark[]): Run {
  return async (args, context) => {
    const { instance, contextId } = await resolveForTask(task, context);
    const run: Run = pipeline === undefined ? directRun(instance, task, marks) : pipeline.runner(instance, contextId);
    return run(args, context);
  };
}

function directRun(instance: object, task: DiscoveredTask, marks: readonly ParameterMark[]): Run {
  const { methodName } = task;
  // Looked up at each call, as any caller of the method does: a test may have put a spy on the instance.
  const host = instance as Record<string, (...args: unknown[]) => unknown>;
  const call = (args: unknown[]): unknown => settle(host[methodName]!(...args));
  if (marks.length === 0) return call;
  const undecorated = new UndecoratedParameters(marks);
  return (args, context) => call(place(args, context, marks, undecorated));
}

function place(args: unknown[], context: TaskContext, marks: readonly ParameterMark[], undecorated: UndecoratedParameters): unknown[] {
  const values: unknown[] = [];
  undecorated.fill(values, args);
  for (const { index, kind, data } of marks) values[index] = valueFor(kind as number, data, args, context);
  return values;
}

/** An Observable does nothing until somebody subscribes, as Nest does for its own handlers. */
function settle(result: unknown): unknown {
  if (result instanceof Promise) return result.then(lastValue);
  return lastValue(result);
}

function lastValue(result: unknown): unknown {
  return isObservable(result) ? lastValueFrom(result, { defaultValue: undefined }) : result;
}

function skippedPipes(task: DiscoveredTask): string {
  return `Pipes on ${describeTask(task)} do not run: a pipe runs on decorated parameters only, and none is. `
    + 'Write @Arg(0), @Arg(1), ... before its parameters.';
}
