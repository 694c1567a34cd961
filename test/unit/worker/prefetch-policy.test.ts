import { describe, expect, it } from 'vitest';
import { PrefetchPolicy } from '../../../lib/worker/prefetch-policy.js';

function after(limit: number, durations: number[]): number {
  const policy = new PrefetchPolicy(limit);
  for (const duration of durations) policy.observe(duration);
  return policy.current;
}

const times = (n: number, duration: number): number[] => Array.from({ length: n }, () => duration);

describe('PrefetchPolicy', () => {
  it.each([
    [3, 0.01, 303], [3, 1, 153], [3, 10, 18], [3, 40, 3 + 3], [3, 100, 3], [100, 0.01, 400], [1, 5_000, 1],
  ])('with a limit of %i and tasks of %f ms asks for %i', (limit, duration, prefetch) => {
    expect(after(limit, times(200, duration))).toBe(prefetch);
  });

  it('comes back to the limit when tasks become long', () => {
    expect(after(3, [...times(1_000, 0.01), ...times(40, 2_000)])).toBe(3);
  });

  it('says nothing while the change would be small', () => {
    const policy = new PrefetchPolicy(10);
    const changes = times(80, 10).map((duration) => policy.observe(duration)).filter((change) => change !== undefined);
    expect(changes).toEqual([60]);
    expect(times(80, 11).map((duration) => policy.observe(duration)).filter((change) => change !== undefined)).toEqual([]);
  });

  it('goes to the limit at once when stalled, and does not leap back', () => {
    const policy = new PrefetchPolicy(3);
    times(100, 0.01).forEach((duration) => policy.observe(duration));
    expect(policy.stalled()).toBe(3);
    times(8, 0.01).forEach((duration) => policy.observe(duration));
    expect(policy.current).toBe(3);
  });

  it('follows another limit at once, and keeps what it has learned of the durations', () => {
    const policy = new PrefetchPolicy(2);
    expect(policy.setLimit(5)).toBe(5);
    for (let i = 0; i < 32; i++) policy.observe(5);
    expect(policy.current).toBe(55);
    expect(policy.setLimit(10)).toBe(110);
    expect(policy.setLimit(1)).toBe(11);
    policy.stalled();
    expect(policy.setLimit(4)).toBe(4);
  });
});
