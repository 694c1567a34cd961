import { DispatcherError } from '../errors.js';
import { retryDelayMs, type RetryPolicy } from '../task/retry-policy.js';
import { GiveUp, RetryLater, SucceedEarly } from '../task/verdicts.js';

/** What is to become of a task whose handler threw. */
export type Outcome =
  | { readonly kind: 'succeed'; readonly value: unknown }
  | { readonly kind: 'retry'; readonly delayMs: number; readonly attempt: number; readonly error: unknown }
  | { readonly kind: 'dead'; readonly error: unknown };

/**
 * @param thrown what the handler threw or rejected with
 * @param attempt the attempt that ended, from 1
 * @param random from 0 to 1
 */
export function outcomeOf(thrown: unknown, attempt: number, policy: RetryPolicy | undefined, random: number): Outcome {
  if (thrown instanceof SucceedEarly) return { kind: 'succeed', value: thrown.value };
  if (thrown instanceof GiveUp) return { kind: 'dead', error: givenUp(thrown) };
  if (thrown instanceof RetryLater) return later(thrown, attempt, policy);
  const delayMs = policy === undefined ? undefined : retryDelayMs(policy, attempt, thrown, random);
  return delayMs === undefined ? { kind: 'dead', error: thrown } : { kind: 'retry', delayMs, attempt: attempt + 1, error: thrown };
}

function later({ seconds, options }: RetryLater, attempt: number, policy: RetryPolicy | undefined): Outcome {
  const error = new DispatcherError('ERR_DISPATCHER_RETRY_LATER', options.reason ?? `The handler asked to be run again in ${seconds} s.`);
  if (!options.charged) return { kind: 'retry', delayMs: seconds * 1000, attempt, error };
  if (attempt >= (policy?.attempts ?? 1)) return { kind: 'dead', error };
  return { kind: 'retry', delayMs: seconds * 1000, attempt: attempt + 1, error };
}

function givenUp({ reason, cause }: GiveUp): DispatcherError {
  return new DispatcherError('ERR_DISPATCHER_GIVEN_UP', reason, {}, { cause });
}
