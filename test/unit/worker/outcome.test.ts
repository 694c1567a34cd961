import { describe, expect, it } from 'vitest';
import { GiveUp, RetryLater, SucceedEarly } from '../../../lib/task/verdicts.js';
import { outcomeOf } from '../../../lib/worker/outcome.js';

const policy = { attempts: 3, backoff: 'fixed' as const, delaySeconds: 2, jitter: 0 };

describe('outcomeOf', () => {
  it('is a dead letter without a policy, and after the last attempt', () => {
    const error = new Error('x');
    expect(outcomeOf(error, 1, undefined, 0)).toEqual({ kind: 'dead', error });
    expect(outcomeOf(error, 3, policy, 0)).toEqual({ kind: 'dead', error });
  });

  it('is the next attempt while there is one', () => {
    const error = new Error('x');
    expect(outcomeOf(error, 1, policy, 0)).toEqual({ kind: 'retry', delayMs: 2_000, attempt: 2, error });
  });

  it('follows the handler\'s own verdict', () => {
    expect(outcomeOf(new SucceedEarly(), 1, policy, 0)).toEqual({ kind: 'succeed' });
    expect(outcomeOf(new GiveUp('no customer'), 1, policy, 0)).toMatchObject({ kind: 'dead', error: { message: 'no customer' } });
    expect(outcomeOf(new RetryLater(5), 3, policy, 0)).toMatchObject({ kind: 'retry', delayMs: 5_000, attempt: 3 });
    expect(outcomeOf(new RetryLater(5), 1, undefined, 0)).toMatchObject({ kind: 'retry', attempt: 1 });
    expect(outcomeOf(new RetryLater(5, { charged: true }), 2, policy, 0)).toMatchObject({ kind: 'retry', attempt: 3 });
    expect(outcomeOf(new RetryLater(5, { charged: true }), 3, policy, 0)).toMatchObject({ kind: 'dead' });
  });

  it('refuses a RetryLater without a time', () => {
    expect(() => new RetryLater(-1)).toThrow(RangeError);
  });
});
