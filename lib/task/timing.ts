import { InvalidTaskError } from '../errors.js';
import { display } from './argument-types.js';
import type { TaskInput } from './task.js';

/** What every broker can wait: 6.8 years, the number of 50 ms units that 32 bits can count. */
export const LONGEST_DELAY_MS = (2 ** 32 - 1) * 50;
/** Expiry is only a date: a hundred years are as good as for ever, and a number that is no date is refused. */
const LONGEST_EXPIRY_SECONDS = 100 * 366 * 86_400;
/** A date in milliseconds below this is before 1973, and is most likely one in seconds. */
const LEAST_ETA_MS = 1e11;
/** A date without a zone would mean another moment on another machine. */
const ISO_WITH_ZONE = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|[+-]\d\d(:?\d\d)?)$/i;

/** When a task may run, in milliseconds since 1970. */
export interface Timing {
  /** The earliest; absent: at once. */
  readonly dueAt?: number;
  /** From then on it is not run any more; absent: it never expires. */
  readonly expiresAt?: number;
}

/**
 * The moments that a task's `delaySeconds`, `eta` and `expiresInSeconds` name, seen from `now`.
 *
 * @throws InvalidTaskError that says what to write instead
 */
export function timingOf(input: Pick<TaskInput, 'delaySeconds' | 'eta' | 'expiresInSeconds'>, task: string, now: number): Timing {
  const dueAt = dueTime(input, task, now);
  const expiresAt = expiryTime(input.expiresInSeconds, task, now);
  if (dueAt !== undefined && expiresAt !== undefined && expiresAt <= dueAt) {
    throw new InvalidTaskError(
      `Task "${task}": it expires ${seconds(expiresAt - now)} after it is published (expiresInSeconds), but may run only after ${seconds(dueAt - now)}: it would never run. `
      + 'expiresInSeconds counts from publishing: make it longer than the delay.', { task, dueAt, expiresAt });
  }
  return { ...(dueAt === undefined ? undefined : { dueAt }), ...(expiresAt === undefined ? undefined : { expiresAt }) };
}

function dueTime({ delaySeconds, eta }: Pick<TaskInput, 'delaySeconds' | 'eta'>, task: string, now: number): number | undefined {
  if (delaySeconds !== undefined && eta !== undefined) {
    throw new InvalidTaskError(`Task "${task}" has both delaySeconds and eta; give one of them: how long to wait, or when.`, { task });
  }
  if (delaySeconds === undefined && eta === undefined) return undefined;
  const dueAt = delaySeconds === undefined ? etaTime(eta, task) : now + delayTime(delaySeconds, task);
  if (dueAt - now > LONGEST_DELAY_MS) {
    throw new InvalidTaskError(
      `Task "${task}": ${delaySeconds === undefined ? 'eta' : 'delaySeconds'} is ${seconds(dueAt - now)} away; at most ${Math.floor(LONGEST_DELAY_MS / 1000)} s (6.8 years) can be waited. `
      + 'Publish it later, or keep such dates in a database.', { task, dueAt, longestMs: LONGEST_DELAY_MS });
  }
  return dueAt > now ? dueAt : undefined;
}

function delayTime(delaySeconds: unknown, task: string): number {
  if (typeof delaySeconds === 'number' && delaySeconds >= 0) return Math.ceil(delaySeconds * 1000);
  throw new InvalidTaskError(`Task "${task}": delaySeconds must be a number of seconds, 0 or more, fractions allowed; found ${display(delaySeconds)}.`, { task });
}

function etaTime(eta: unknown, task: string): number {
  const time = eta instanceof Date ? eta.getTime() : typeof eta === 'string' ? isoTime(eta) : eta;
  if (typeof time !== 'number' || Number.isNaN(time)) {
    throw new InvalidTaskError(
      `Task "${task}": eta must be a valid Date, an ISO 8601 time with its zone ("2030-01-31T08:00:00Z", "...+02:00"), or milliseconds since 1970; found ${display(eta)}.`, { task });
  }
  if (typeof eta === 'number' && eta < LEAST_ETA_MS) {
    throw new InvalidTaskError(
      `Task "${task}": eta ${eta} lies before 1973; it seems to be seconds. Write milliseconds since 1970 (${eta} * 1000), or use delaySeconds.`, { task });
  }
  return Math.ceil(time);
}

function isoTime(text: string): number {
  return ISO_WITH_ZONE.test(text) ? Date.parse(text) : Number.NaN;
}

function expiryTime(expiresInSeconds: unknown, task: string, now: number): number | undefined {
  if (expiresInSeconds === undefined) return undefined;
  if (typeof expiresInSeconds === 'number' && expiresInSeconds > 0 && expiresInSeconds <= LONGEST_EXPIRY_SECONDS) return now + Math.ceil(expiresInSeconds * 1000);
  throw new InvalidTaskError(
    `Task "${task}": expiresInSeconds must be a number of seconds above 0 and up to ${LONGEST_EXPIRY_SECONDS} (100 years); found ${display(expiresInSeconds)}. Leave it out for a task that never expires.`, { task });
}

function seconds(milliseconds: number): string {
  return `${Math.round(milliseconds) / 1000} s`;
}
