import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkRetryPolicy, retryDelayMs, type RetryPolicy } from '../../../lib/task/retry-policy.js';

const delays = (policy: RetryPolicy, attempts: number[], random = 0): unknown[] =>
  attempts.map((attempt) => retryDelayMs({ attempts: 100, ...policy }, attempt, new Error('x'), random));

describe('retryDelayMs', () => {
  it.each<[RetryPolicy, number[]]>([
    [{}, [1_000, 2_000, 4_000, 8_000, 16_000]],
    [{ backoff: 'fibonacci' }, [1_000, 2_000, 3_000, 5_000, 8_000]],
    [{ backoff: 'fixed', delaySeconds: 0.5 }, [500, 500, 500, 500, 500]],
    [{ backoff: 'polynomial' }, [16_000, 31_000, 96_000, 271_000, 640_000]],
    [{ backoff: 'exponential', delaySeconds: 10, maxDelaySeconds: 60 }, [10_000, 20_000, 40_000, 60_000, 60_000]],
    [{ backoff: (attempt) => attempt * 7 }, [7_000, 14_000, 21_000, 28_000, 35_000]],
  ])('%o', (policy, expected) => {
    expect(delays(policy, [1, 2, 3, 4, 5])).toEqual(expected);
  });

  it('ends with the attempts, of which there is one by default', () => {
    expect(retryDelayMs({}, 1, new Error('x'), 0)).toBeUndefined();
    expect(retryDelayMs({ attempts: 3 }, 2, new Error('x'), 0)).toBe(2_000);
    expect(retryDelayMs({ attempts: 3 }, 3, new Error('x'), 0)).toBeUndefined();
  });

  it('asks which errors are worth it', () => {
    const policy: RetryPolicy = { attempts: 5, retryIf: (error) => !(error instanceof TypeError) };
    expect(retryDelayMs(policy, 1, new TypeError('x'), 0)).toBeUndefined();
    expect(retryDelayMs(policy, 1, new RangeError('x'), 0)).toBe(1_000);
  });

  it('waits the longest when a backoff function answers nonsense', () => {
    for (const nonsense of [NaN, -1, undefined, 'soon']) {
      expect(retryDelayMs({ attempts: 2, backoff: () => nonsense as number, maxDelaySeconds: 9, jitter: 0 }, 1, null, 0)).toBe(9_000);
    }
  });

  it('stays between nothing and the cap, for any attempt and any chance', () => {
    fc.assert(fc.property(fc.constantFrom('exponential', 'fibonacci', 'fixed', 'polynomial'), fc.integer({ min: 1, max: 10_000 }),
      fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), (backoff, attempt, jitter, random) => {
        const delay = retryDelayMs({ attempts: 10_001, backoff: backoff as 'fixed', jitter, maxDelaySeconds: 100 }, attempt, null, random);
        expect(delay).toBeGreaterThanOrEqual(0);
        expect(delay).toBeLessThanOrEqual(100_000);
      }));
  });
});

describe('checkRetryPolicy', () => {
  it.each([
    [{ attempts: 0 }, /retry.attempts must be a whole number from 1; found the number 0/],
    [{ attempts: 1.5 }, /attempts/], [{ backoff: 'linear' }, /one of exponential, fibonacci, fixed, polynomial, or a function/],
    [{ delaySeconds: -1 }, /delaySeconds/], [{ maxDelaySeconds: Infinity }, /maxDelaySeconds/], [{ jitter: 2 }, /jitter/], [{ retryIf: true }, /retryIf/],
  ])('refuses %o', (policy, message) => {
    expect(() => checkRetryPolicy(policy as RetryPolicy, "@Task('a')")).toThrow(message);
  });

  it('takes a whole policy', () => {
    expect(() => checkRetryPolicy({ attempts: 5, backoff: () => 1, delaySeconds: 0, maxDelaySeconds: 10, jitter: 0, retryIf: () => true }, 'x')).not.toThrow();
  });
});
