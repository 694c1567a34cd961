import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pauseBeforeRetry } from '../../../../lib/brokers/connection/reconnection-policy.js';

const always = (): number => 1;

describe('pauseBeforeRetry', () => {
  it('grows from 100 ms to 30 s', () => {
    const pauses = [0, 1, 2, 8, 9, 1000].map((retries) => pauseBeforeRetry({ retries: 'forever' }, retries, false, always));
    expect(pauses).toEqual([100, 200, 400, 25_600, 30_000, 30_000]);
  });

  it('is fixed when an interval is configured', () => {
    expect([0, 5].map((retries) => pauseBeforeRetry({ retries: 'forever', intervalMs: 250 }, retries, false, always))).toEqual([250, 250]);
  });

  it('ends when the retries are spent, and at once with none', () => {
    expect([0, 1, 2].map((retries) => pauseBeforeRetry({ retries: 2, intervalMs: 1 }, retries, false, always))).toEqual([1, 1, undefined]);
    expect(pauseBeforeRetry({ retries: 0 }, 0, false, always)).toBeUndefined();
  });

  it('is slow after a refusal', () => {
    expect(pauseBeforeRetry({ retries: 'forever', intervalMs: 1 }, 0, true, always)).toBe(60_000);
  });

  it('jitters fully', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), fc.nat(50), (random, retries) => {
        const pause = pauseBeforeRetry({ retries: 'forever' }, retries, false, () => random) as number;
        expect(pause).toBeGreaterThanOrEqual(0);
        expect(pause).toBeLessThanOrEqual(Math.min(30_000, 100 * 2 ** retries));
      }),
    );
  });
});
