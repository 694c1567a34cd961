import { TaskSuspendedError } from '../../errors.js';
import type { ArgumentsHost } from '@nestjs/common';
import type { ApplicationConfig, ContextId, NestContainer } from '@nestjs/core';
import { ExternalExceptionFilterContext } from '@nestjs/core/exceptions/external-exception-filter-context';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host';
import { isObservable, lastValueFrom } from 'rxjs';
import { isA } from '../../task/error-text.js';
import { GiveUp, RetryLater, SucceedEarly } from '../../task/verdicts.js';
import { taskStorage, type TaskContext } from '../../worker/task-context.js';
import { methodOf, type DiscoveredTask } from '../discovery/discovered-task.js';
import { PARAMETERS_METADATA } from '../parameter.decorators.js';
import type { EnhancerCounts } from './enhancers.js';
import { filterFailure } from './filter-failure.js';
import { isPiped, valueFor, type ParameterMark } from './parameters.js';
import { refusalFor } from './refusals.js';
import { TaskContextCreator } from './task-context-creator.js';

/** What `ExecutionContext.getType()` says while a task runs. @publicApi */
export const DISPATCHER_CONTEXT = 'dispatcher';

export type RunTask = (args: unknown[]) => Promise<unknown>;

type Filters = { invokeCustomFilters(error: unknown, host: ArgumentsHost): unknown };

const parameterFactory = {
  exchangeKeyForValue: (kind: number, data: unknown, args: unknown[]) => valueFor(kind, data, args, taskStorage.getStore() as TaskContext),
};

/** Makes the function that runs one handler with its enhancers. Made once for a static handler, for each task otherwise. */
export class TaskPipeline {
  private readonly creator: TaskContextCreator;
  private readonly filterContext: ExternalExceptionFilterContext;
  private readonly hasPipes: boolean;

  constructor(
    container: NestContainer, globals: ApplicationConfig | undefined,
    private readonly task: DiscoveredTask, marks: readonly ParameterMark[], private readonly counts: EnhancerCounts,
  ) {
    const unpiped = new Set(marks.filter((mark) => !isPiped(mark) || counts.pipes + mark.pipes.length === 0).map(({ index }) => index));
    this.creator = new TaskContextCreator(container, globals, task, marks, unpiped);
    this.hasPipes = marks.some(({ index }) => !unpiped.has(index));
    this.filterContext = new ExternalExceptionFilterContext(container, globals);
  }

  /** @param method what is run inside. Default: the method of the task */
  runner(instance: object, contextId?: ContextId, method: (...args: unknown[]) => unknown = methodOf(this.task)): RunTask {
    const { task: { methodName, wrapper }, counts } = this;
    const options = { guards: counts.guards > 0, interceptors: counts.interceptors > 0, filters: false };
    const run = this.creator.create(instance, method, methodName, PARAMETERS_METADATA, parameterFactory,
      contextId, wrapper.id, options, DISPATCHER_CONTEXT) as (...args: unknown[]) => Promise<unknown>;
    if (counts.filters > 0) return this.withFilters(run, instance, contextId);
    return this.hasPipes ? (args) => run(...args).catch((error: unknown) => { throw refusalFor(error) ?? error; }) : (args) => run(...args);
  }

  /**
   * Nest's own handling would log each error that no filter takes; the worker reports it already. A filter
   * that returns something has turned the failure into a success; `undefined`, `null` and throwing do not. What it throws
   * itself counts, with the handler's error as cause.
   */
  private withFilters(run: (...args: unknown[]) => Promise<unknown>, instance: object, contextId?: ContextId): RunTask {
    const method = methodOf(this.task);
    const { host, wrapper } = this.task;
    const filters: Filters = this.filterContext.create(instance, method as never, host.token, contextId, wrapper.id);
    return async (args) => {
      try {
        return await run(...args);
      } catch (error) {
        if (isVerdict(error)) throw error;
        const context = new ExecutionContextHost(args, instance.constructor as never, method);
        context.setType(DISPATCHER_CONTEXT);
        const result = await this.filtered(filters, error, context);
        if (result === undefined || result === null) throw refusalFor(error) ?? error;
        return result;
      }
    };
  }

  private async filtered(filters: Filters, error: unknown, context: ExecutionContextHost): Promise<unknown> {
    try {
      const answer = await filters.invokeCustomFilters(error, context);
      return isObservable(answer) ? await lastValueFrom(answer, { defaultValue: undefined }) : answer;
    } catch (broken) {
      throw isVerdict(broken) ? broken : filterFailure(broken, error, refusalFor(error));
    }
  }
}

/** Thrown to decide the task's outcome; a filter that catches everything must not take it for a failure. */
function isVerdict(error: unknown): boolean {
  return isA(error, RetryLater) || isA(error, GiveUp) || isA(error, SucceedEarly) || isA(error, TaskSuspendedError);
}
