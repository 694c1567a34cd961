/**
 * What a handler can throw, from however deep down, to decide its own outcome. They are no errors:
 * nothing failed.
 */

/** Run this task again in `seconds`. @publicApi */
export class RetryLater {
  /**
   * @param seconds the pause before the next run; fractions allowed
   * @param options `charged: true` counts the run as an attempt, so that the policy's `attempts`
   *   end it some day; not charged, it may come back for ever. Default: false.
   */
  constructor(readonly seconds: number, readonly options: { readonly charged?: boolean; readonly reason?: string } = {}) {
    if (!(seconds >= 0)) throw new RangeError(`RetryLater takes seconds, 0 or more; found ${String(seconds)}.`);
  }
}

/** No further attempt can help: make a dead letter of it now, whatever the retry policy says. @publicApi */
export class GiveUp {
  constructor(readonly reason: string, readonly cause?: unknown) {}
}

/** The task is done; nothing is left to do. @publicApi */
export class SucceedEarly {
  constructor(readonly value?: unknown) {}
}
