import { Header } from '../task/headers.js';
import type { TaskHeaders } from '../task/task.js';
import { errorStory } from '../task/error-story.js';

/** One attempt that failed, as it travels with the task. @publicApi */
export interface FailedAttempt {
  attempt: number;
  /** ISO 8601. */
  at: string;
  worker: string;
  /** Name and message, and those of what was behind it (`cause`, the errors of an `AggregateError`). */
  error: string;
}

/** The first failures and the last ones tell most; a task that has failed a thousand times keeps this many. */
const KEPT = 20;
/** Of the error itself; what was behind it has as much. */
const ERROR_LENGTH = 300;

/** The history with one more failure, as a header's value. */
export function historyWith(headers: TaskHeaders | undefined, failure: Omit<FailedAttempt, 'error'> & { error: unknown }): string {
  const entry: FailedAttempt = { ...failure, error: errorStory(failure.error, ERROR_LENGTH) };
  const history = [...readHistory(headers), entry];
  return JSON.stringify(history.length > KEPT ? [history[0], ...history.slice(1 - KEPT)] : history);
}

/** What a header says of earlier attempts; an unreadable one says nothing. */
export function readHistory(headers: TaskHeaders | undefined): FailedAttempt[] {
  const text = headers?.[Header.history];
  if (typeof text !== 'string') return [];
  try {
    const history: unknown = JSON.parse(text);
    return Array.isArray(history) ? (history as FailedAttempt[]) : [];
  } catch {
    return [];
  }
}
