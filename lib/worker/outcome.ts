import { DispatcherError, InvalidArgumentsError, StepVersionError } from '../errors.js';
import type { DeadReason } from '../events/dispatcher-event.js';
import { errorText, isA, textOf } from '../task/error-text.js';
import { retryDelayMs, type RetryPolicy } from '../task/retry-policy.js';
import { checkPause, GiveUp, RetryLater, SucceedEarly } from '../task/verdicts.js';

/** What is to become of a task whose handler threw. */
export type Outcome =
  | { readonly kind: 'succeed'; readonly value: unknown }
  | { readonly kind: 'retry'; readonly delayMs: number; readonly attempt: number; readonly error: unknown }
  /** `reason` only where it is another than that the handler failed. */
  | { readonly kind: 'dead'; readonly error: unknown; readonly reason?: DeadReason };

/**
 * Never throws: what was thrown, and the functions of the policy, are a user's.
 *
 * @param thrown what the handler threw or rejected with
 * @param attempt the attempt that ended, from 1
 * @param random from 0 to 1
 */
export function outcomeOf(thrown: unknown, attempt: number, policy: RetryPolicy | undefined, random: number): Outcome {
  try {
    if (isA(thrown, SucceedEarly)) return { kind: 'succeed', value: thrown.value };
    if (isA(thrown, GiveUp)) return { kind: 'dead', error: givenUp(thrown) };
    if (isA(thrown, InvalidArgumentsError)) return { kind: 'dead', error: thrown, reason: 'invalid-arguments' };
    if (isA(thrown, StepVersionError)) return { kind: 'dead', error: thrown };
    if (isA(thrown, RetryLater)) return later(thrown, attempt, policy);
    return policy === undefined ? { kind: 'dead', error: thrown } : asPolicySays(thrown, attempt, policy, random);
  } catch (error) {
    const text = `What is to follow cannot be read from what the handler threw, or from its retry policy: ${errorText(error)}`;
    return { kind: 'dead', error: new DispatcherError('ERR_DISPATCHER_OUTCOME', text, {}, { cause: error }) };
  }
}

function asPolicySays(thrown: unknown, attempt: number, policy: RetryPolicy, random: number): Outcome {
  const defects: string[] = [];
  const delayMs = retryDelayMs(policy, attempt, thrown, random, (defect) => defects.push(defect));
  if (delayMs === undefined) return { kind: 'dead', error: thrown };
  const error = defects.length === 0 ? thrown : withDefects(thrown, defects);
  return { kind: 'retry', delayMs, attempt: attempt + 1, error };
}

/** Whoever looks for the handler's error is to find out, too, that its policy does not do what it should. */
function withDefects(thrown: unknown, defects: readonly string[]): DispatcherError {
  return new DispatcherError('ERR_DISPATCHER_RETRY_POLICY', `${errorText(thrown)} (${defects.join('; ')})`, {}, { cause: thrown });
}

function later({ seconds, options: { charged, reason } }: RetryLater, attempt: number, policy: RetryPolicy | undefined): Outcome {
  // Its fields can be changed after it was made.
  checkPause(seconds);
  const error = new DispatcherError('ERR_DISPATCHER_RETRY_LATER', reason === undefined ? `The handler asked to be run again in ${seconds} s.` : textOf(reason));
  if (!charged) return { kind: 'retry', delayMs: seconds * 1000, attempt, error };
  if (attempt >= (policy?.attempts ?? 1)) return { kind: 'dead', error };
  return { kind: 'retry', delayMs: seconds * 1000, attempt: attempt + 1, error };
}

function givenUp({ reason, cause }: GiveUp): DispatcherError {
  return new DispatcherError('ERR_DISPATCHER_GIVEN_UP', textOf(reason), {}, { cause });
}
