import { DispatcherError } from '../../errors.js';
import type { TaskArgument, TaskHeaders, TaskInput } from '../../task/task.js';
import { Passage } from '../../worker/passage.js';
import type { PublishedTask } from './published-task.js';
import type { TaskOrigin } from './task-origin.js';

/** A task on its way out, before it is checked: a copy, to be changed in place. @publicApi */
export interface OutgoingTask extends TaskInput {
  /** Given by the caller, or made already. */
  readonly uuid: string;
  args: TaskArgument[];
  /** The caller's, or empty. Names that begin with `x-dispatcher-` are reserved. */
  headers: TaskHeaders;
  /** The caller's, or the `defaultRoutingKey`. */
  routingKey: string;
  /** Where the library itself publishes it: for which workflow or schedule. Absent where a caller does. */
  readonly origin?: TaskOrigin;
}

/**
 * Runs around `publish` and around each task of `publishMany`.
 *
 * - `await next()` goes inward, in the end to the broker; it resolves once the task is accepted.
 * - Throwing before that is a veto: `publish` rejects with just that error.
 * - The outcome of `next()` is the outcome; what is returned is ignored, and a failure that was caught is reported
 *   to the caller all the same: a task counts as accepted only where the broker has said so.
 * - What it throws *after* the task was accepted changes nothing for the caller; it becomes an event, `middleware.failed`.
 * - Ending without a call of `next`, and without throwing, rejects too. A second call of `next` publishes nothing.
 *
 * @publicApi
 */
export type PublishMiddleware = (task: OutgoingTask, next: () => Promise<PublishedTask>) => unknown;

/** A {@link PublishMiddleware} as a class, so that it can be a Nest provider. @publicApi */
export interface TaskPublishMiddleware {
  publish(...parameters: Parameters<PublishMiddleware>): unknown;
}

/** A function, an instance, or the class of a provider. @publicApi */
export type PublishMiddlewareInput = PublishMiddleware | TaskPublishMiddleware | (new (...dependencies: never[]) => TaskPublishMiddleware);

/** Called with what went wrong in a middleware once its task had been accepted. */
export type LateFailure = (middleware: string, task: OutgoingTask, error: unknown) => void;

type Publish = (task: OutgoingTask) => Promise<PublishedTask>;

/** One function around the sending, the first middleware outermost; to be made once. */
export function publishThrough(middlewares: readonly PublishMiddleware[], onLate: LateFailure): (task: OutgoingTask, send: Publish) => Promise<PublishedTask> {
  return middlewares.reduceRight<(task: OutgoingTask, send: Publish) => Promise<PublishedTask>>(
    (inner, middleware) => (task, send) => pass(middleware, task, () => inner(task, send), onLate), (task, send) => send(task));
}

async function pass(middleware: PublishMiddleware, task: OutgoingTask, inner: () => Promise<PublishedTask>, onLate: LateFailure): Promise<PublishedTask> {
  const name = middleware.name || 'without a name';
  const passage = new Passage<PublishedTask>(name, inner);
  let thrown: { error: unknown } | undefined;
  try {
    await middleware(task, passage.next);
  } catch (error) {
    thrown = { error };
  }
  const outcome = await passage.settled();
  if (outcome?.status === 'fulfilled') {
    if (thrown !== undefined) onLate(name, task, thrown.error);
    else if (passage.defect !== undefined) onLate(name, task, passage.defect);
    return outcome.value;
  }
  if (thrown !== undefined) throw thrown.error;
  throw outcome === undefined ? notSent(name, task) : outcome.reason;
}

function notSent(name: string, task: OutgoingTask): DispatcherError {
  return new DispatcherError('ERR_DISPATCHER_NOT_PUBLISHED',
    `Task "${task.name}" was not published: the middleware ${name} ended without calling next(). To keep a task back on purpose, throw an error that says why.`,
    { task: task.name, uuid: task.uuid, middleware: name });
}
