import { ConfigurationError } from '../errors.js';
import { display } from './argument-types.js';
import { errorText } from './error-text.js';
import { isAsynchronous } from './option-kinds.js';
import { ignoreRejection } from './rejections.js';

/**
 * How long to wait before the next attempt; `delaySeconds` is the base.
 * - `exponential`: base, 2 base, 4 base, 8 base ...
 * - `fibonacci`: 1, 2, 3, 5, 8 ... times base. Source: machinery's retries.
 * - `fixed`: always base.
 * - `polynomial`: failures^4 + 15 seconds + up to 30 seconds times failures. Source: gocraft/work's default backoff.
 *
 * @publicApi
 */
export type Backoff = 'exponential' | 'fibonacci' | 'fixed' | 'polynomial';

/** What can travel with a task: everything but functions. @publicApi */
export interface RetryOptions {
  /** How often the task may start in all, the first time included. Default: 1, no retry. */
  attempts?: number;
  /** Default: `exponential`. */
  backoff?: Backoff;
  /** The base of the backoff, in seconds; fractions allowed. Default: 1. */
  delaySeconds?: number;
  /** No pause is longer, in seconds. Default: 3600. */
  maxDelaySeconds?: number;
  /** The share of a pause that is left to chance, 0 to 1, so that what failed together does not come back together. Default: 0.2. */
  jitter?: number;
}

/** Retries as `@Task` takes them: with functions, which stay at the worker. @publicApi */
export interface RetryPolicy extends Omit<RetryOptions, 'backoff'> {
  /** A {@link Backoff}, or a function from the attempt that failed (from 1) and its error to the pause in seconds. */
  backoff?: Backoff | ((attempt: number, error: unknown) => number);
  /** False for an error that no further attempt can mend. Default: every error is worth it. */
  retryIf?: (error: unknown) => boolean;
}

const DEFAULTS = { attempts: 1, backoff: 'exponential', delaySeconds: 1, maxDelaySeconds: 3600, jitter: 0.2 } as const;
/** What a retry policy may say; the functions among them only where it does not travel. */
export const RETRY_OPTIONS: readonly (keyof RetryPolicy)[] = ['attempts', 'backoff', 'delaySeconds', 'maxDelaySeconds', 'jitter', 'retryIf'];
const BACKOFFS: readonly Backoff[] = ['exponential', 'fibonacci', 'fixed', 'polynomial'];
/** No delay is longer; nobody waits for a retry so long. */
const LONGEST_SECONDS = 365 * 86_400;

/** Told what a function of the policy did that it should not: it threw, or gave something else than it should. */
type OnDefect = (text: string) => void;

/**
 * The pause before the next attempt, in milliseconds; `undefined` when there is to be none. A function of the policy that
 * is broken must not stop retries: without an answer an error is worth another attempt, and its pause is the longest one.
 *
 * @param attempt the attempt that failed, from 1
 * @param random from 0 to 1, as `Math.random()`
 */
export function retryDelayMs(policy: RetryPolicy, attempt: number, error: unknown, random: number, onDefect: OnDefect = () => undefined): number | undefined {
  const { attempts, jitter, maxDelaySeconds } = { ...DEFAULTS, ...defined(policy) };
  if (attempt >= attempts || !isWorthIt(policy, error, onDefect)) return undefined;
  const seconds = Math.min(pauseSeconds(policy, attempt, error, random, onDefect), maxDelaySeconds);
  return Math.round(seconds * (1 - jitter * random) * 1000);
}

function isWorthIt({ retryIf }: RetryPolicy, error: unknown, onDefect: OnDefect): boolean {
  return retryIf === undefined || answerOf('retryIf', () => retryIf(error), onDefect) !== false;
}

/** `undefined` where it threw, or gave an object: a promise above all, which nobody waits for. */
function answerOf(name: string, ask: () => unknown, onDefect: OnDefect): unknown {
  try {
    const answer = ask();
    if (typeof answer !== 'object' || answer === null) return answer;
    ignoreRejection(answer);
    onDefect(`retry.${name} gave ${display(answer)}, which is not waited for`);
  } catch (error) {
    onDefect(`retry.${name} threw ${errorText(error)}`);
  }
  return undefined;
}

function pauseSeconds(policy: RetryPolicy, attempt: number, error: unknown, random: number, onDefect: OnDefect): number {
  const { backoff, delaySeconds } = { ...DEFAULTS, ...defined(policy) };
  switch (backoff) {
    case 'fixed': return delaySeconds;
    case 'exponential': return delaySeconds * 2 ** Math.min(attempt - 1, 40);
    case 'fibonacci': return delaySeconds * fibonacci(attempt);
    case 'polynomial': return attempt ** 4 + 15 + random * 30 * attempt;
    default: {
      const seconds = answerOf('backoff', () => backoff(attempt, error), onDefect);
      return typeof seconds === 'number' && seconds >= 0 ? seconds : LONGEST_SECONDS;
    }
  }
}

/** 1, 2, 3, 5, 8 ... */
function fibonacci(position: number): number {
  let [current, next] = [1, 2];
  for (let i = 1; i < Math.min(position, 60); i++) [current, next] = [next, current + next];
  return current;
}

function defined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

/**
 * @param where what these options belong to, for the error: `@Task('add')`
 * @throws ConfigurationError that says what to write instead
 */
export function checkRetryPolicy(policy: RetryPolicy, where: string): void {
  const refuse = (field: string, expected: string, found: unknown): never => {
    throw new ConfigurationError(`${where}: retry.${field} must be ${expected}; found ${display(found)}.`, { field });
  };
  const { attempts, backoff, delaySeconds, maxDelaySeconds, jitter, retryIf } = policy;
  if (attempts !== undefined && !(Number.isSafeInteger(attempts) && attempts >= 1)) refuse('attempts', 'a whole number from 1', attempts);
  if (backoff !== undefined && typeof backoff !== 'function' && !BACKOFFS.includes(backoff)) refuse('backoff', `one of ${BACKOFFS.join(', ')}, or a function`, backoff);
  if (delaySeconds !== undefined && !(delaySeconds >= 0 && delaySeconds <= LONGEST_SECONDS)) refuse('delaySeconds', 'seconds, 0 or more', delaySeconds);
  if (maxDelaySeconds !== undefined && !(maxDelaySeconds >= 0 && maxDelaySeconds <= LONGEST_SECONDS)) {
    refuse('maxDelaySeconds', `seconds, from 0 to ${LONGEST_SECONDS}`, maxDelaySeconds);
  }
  if (jitter !== undefined && !(jitter >= 0 && jitter <= 1)) refuse('jitter', 'a share from 0 to 1', jitter);
  if (retryIf !== undefined && typeof retryIf !== 'function') refuse('retryIf', 'a function of the error', retryIf);
  if (isAsynchronous(retryIf)) refuse('retryIf', 'a function that answers at once, not an asynchronous one, whose promise is always true', retryIf);
  if (isAsynchronous(backoff)) refuse('backoff', 'a function that answers at once, not an asynchronous one', backoff);
}
