import { Header } from './headers.js';
import type { TaskHeaders } from './task.js';

/** What of a message may say since when it waits. */
export interface SaysSince {
  readonly headers?: Readonly<TaskHeaders> | undefined;
  /** Seconds since 1970. */
  readonly timestamp?: number | undefined;
}

/**
 * For how long a task has waited that is started now, in milliseconds: since it was due, or was published, by our header
 * or by the time that AMQP has in its properties, which counts seconds. `undefined` where its message does not say, and
 * for what waited for something else: an attempt after the first one, a replay.
 */
export function waitedMs(attempt: number, message: SaysSince, now: number): number | undefined {
  const since = waitsSince(attempt, message);
  // Clocks of machines differ.
  return since === undefined ? undefined : Math.max(0, now - since);
}

/** Since when a task waits for its first run, in milliseconds since 1970, where its message says so. */
export function waitsSince(attempt: number, { headers, timestamp }: SaysSince): number | undefined {
  if (attempt > 1 || headers?.[Header.replays] !== undefined) return undefined;
  const due = headers?.[Header.due];
  if (isInstant(due)) return due;
  const published = headers?.[Header.published];
  if (isInstant(published)) return published;
  const since = timestamp === undefined ? undefined : timestamp * 1000;
  return isInstant(since) ? since : undefined;
}

/** A header may hold anything. */
function isInstant(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0;
}
