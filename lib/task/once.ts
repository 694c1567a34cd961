import { countHeader, Header } from './headers.js';
import type { TaskHeaders } from './task.js';

/** How long the end of a task is remembered, where its publisher does not say: in seconds. */
const ONCE_REMEMBERED_SECONDS = 24 * 3600;

/** As long as its last copy may wait in a queue that is paused. */
export const LEASE_REMEMBERED_SECONDS = 7 * 24 * 3600;

/**
 * The headers of a task that may have been published more than once under one uuid, and is to be run as if it had
 * been published once: by two processes that both believed that it was their turn, or again after an unknown outcome.
 *
 * @param rememberSeconds how long after the task's end its late copies are still dropped; whole, 1 or more. Default: a day
 */
export function onceHeaders(rememberSeconds: number = ONCE_REMEMBERED_SECONDS): TaskHeaders {
  return { [Header.once]: Math.max(1, Math.ceil(rememberSeconds)) };
}

/** For how many seconds the end of this task is to be remembered; `undefined`: it makes no such claim. */
export function onceSeconds(headers: Readonly<TaskHeaders>): number | undefined {
  if (headers[Header.once] === undefined) return undefined;
  return countHeader(headers, Header.once, 0) || ONCE_REMEMBERED_SECONDS;
}
