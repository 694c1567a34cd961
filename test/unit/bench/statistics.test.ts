import { describe, expect, it } from 'vitest';
import type { Measurement } from '../../../bench/driver/measurement.js';
import { median, ratio, spread, trusted } from '../../../bench/report/statistics.js';

function measured(run: number, rate: number, disturbed = false): Measurement {
  return { scenario: 's', system: 'x', run, tasks: 1, seconds: 1, rate, cpu: 1, memory: 1, others: 0, disturbed };
}

describe('the statistics of a benchmark', () => {
  it('takes the middle, or the mean of the two in the middle', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
  });

  it('gives the spread as a share of the median', () => {
    expect(spread([90, 100, 110])).toBeCloseTo(0.1);
  });

  it('trusts undisturbed runs alone, or all where there is none', () => {
    expect(trusted([measured(1, 10), measured(2, 5, true)]).map((one) => one.run)).toEqual([1]);
    expect(trusted([measured(1, 10, true), measured(2, 5, true)])).toHaveLength(2);
  });

  it('compares only runs of the same round', () => {
    const baseline = [measured(1, 100), measured(2, 10)];
    expect(ratio([measured(1, 50), measured(2, 5)], baseline, (run) => run.rate)).toBe(0.5);
    expect(ratio([measured(3, 50)], baseline, (run) => run.rate)).toBeUndefined();
  });
});
