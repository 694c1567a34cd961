import type { DeadReason } from '../events/dispatcher-event.js';
import { isA } from '../task/error-text.js';
import type { Entrance } from './gates/task-gate.js';
import { GiveBack } from './give-back.js';
import { outcomeOf, type Outcome } from './outcome.js';
import type { RunningTask } from './running-task.js';
import type { StepsVerdict } from './steps/step-journal.js';

/** How a run ends. */
export type RunEnding =
  | Extract<Outcome, { kind: 'succeed' | 'retry' }>
  /** What gates say of a task that is not to run: given back, dropped, cancelled. */
  | Extract<Entrance, { kind: 'wait' | 'drop' | 'cancel' }>
  | { readonly kind: 'bury'; readonly reason: DeadReason; readonly error: unknown }
  /** It waits, and goes on with what its steps have given. */
  | Extract<StepsVerdict, { kind: 'suspend' }>
  /** Stopped by us for a shutdown, not by its own failure: another worker starts it afresh. */
  | { readonly kind: 'requeue' };

/** What counts of a run that ends by throwing. */
export type Ended = Pick<RunningTask, 'attempt' | 'retry' | 'cancelled' | 'isAborted'> & { readonly steps?: { readonly verdict: StepsVerdict | undefined } | undefined };

/**
 * How a run ends whose handler threw, or that never came to call it.
 *
 * @param random from 0 to 1
 */
export function endingByThrow(thrown: unknown, run: Ended, random: number): RunEnding {
  if (run.cancelled === undefined) {
    if (run.isAborted) return { kind: 'requeue' };
    // Whatever its handler has made of the error by which it was left.
    if (run.steps?.verdict !== undefined) return run.steps.verdict;
    if (isA(thrown, GiveBack)) return { kind: 'wait', delayMs: thrown.seconds * 1000, reason: thrown.reason, headers: thrown.headers };
  }
  return endingByFailure(thrown, 'failed', run, random);
}

/** As {@link endingByThrow}, for what is known to be its own failure; `reason` where it becomes a dead letter by that. */
export function endingByFailure(thrown: unknown, reason: DeadReason, { attempt, retry, cancelled }: Ended, random: number): RunEnding {
  const outcome = outcomeOf(thrown, attempt, retry, random);
  if (outcome.kind === 'succeed') return outcome;
  if (cancelled !== undefined) return { kind: 'cancel', reason: cancelled };
  return outcome.kind === 'retry' ? outcome : { kind: 'bury', reason: outcome.reason ?? reason, error: outcome.error };
}
