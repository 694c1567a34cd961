import { display } from './argument-types.js';
import { LONGEST_DELAY_MS } from './timing.js';

/**
 * What a handler can throw, from however deep down, to decide its own outcome. They are no errors:
 * nothing failed.
 */

const LONGEST_SECONDS = Math.floor(LONGEST_DELAY_MS / 1000);

/** Run this task again in `seconds`. @publicApi */
export class RetryLater {
  readonly options: { readonly charged?: boolean; readonly reason?: string };

  /**
   * @param seconds the pause before the next run, from 0 to 6.8 years; fractions allowed
   * @param options `charged: true` counts the run as an attempt, so that the policy's `attempts`
   *   end it some day; not charged, it may come back for ever. Default: false.
   * @throws RangeError for what is no such number: the attempt has then failed with that
   */
  constructor(readonly seconds: number, options?: { readonly charged?: boolean; readonly reason?: string }) {
    this.options = options ?? {};
    checkPause(seconds);
  }
}

/** @throws RangeError for what no broker can wait */
export function checkPause(seconds: unknown): asserts seconds is number {
  if (typeof seconds === 'number' && seconds >= 0 && seconds <= LONGEST_SECONDS) return;
  throw new RangeError(`RetryLater takes seconds, from 0 to ${LONGEST_SECONDS} (6.8 years); found ${display(seconds)}.`);
}

/** No further attempt can help: make a dead letter of it now, whatever the retry policy says. @publicApi */
export class GiveUp {
  constructor(readonly reason: string, readonly cause?: unknown) {}
}

/** The task is done; nothing is left to do. A promise as value is waited for. @publicApi */
export class SucceedEarly {
  constructor(readonly value?: unknown) {}
}
