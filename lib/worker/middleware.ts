import type { TaskContext } from './task-context.js';

/**
 * Runs around a handler.
 *
 * - `await next()` runs what is inside (the next middleware, in the end the handler) and gives its result.
 * - What it returns is the result; `undefined` leaves the result of `next()` as it is.
 * - What it throws is as if the handler had thrown it: retry policy and verdicts (`RetryLater`, `GiveUp`, ...) apply.
 * - Without a call of `next` the handler is skipped, and the task is done.
 * - A second call of `next` runs nothing and fails the attempt.
 *
 * @param args what the handler gets, in order
 * @publicApi
 */
export type RunMiddleware = (context: TaskContext, next: () => Promise<unknown>, args: readonly unknown[]) => unknown;

/** A {@link RunMiddleware} as a class, so that it can be a Nest provider with dependencies of its own. @publicApi */
export interface TaskMiddleware {
  run(...parameters: Parameters<RunMiddleware>): unknown;
}

/** A function, an instance, or the class of a provider. @publicApi */
export type RunMiddlewareInput = RunMiddleware | TaskMiddleware | (new (...dependencies: never[]) => TaskMiddleware);
