import { describe, expect, it } from 'vitest';
import { countOf, DURATION_BUCKETS, mergedCounts, percentile, RecentDurations } from '../../../lib/inspection/book/durations.js';
import { tasksReport } from '../../../lib/inspection/tasks-report.js';
import type { TaskPortion } from '../../../lib/inspection/asking/messages.js';

const MINUTE = 60_000;
const NOW = 1_000 * MINUTE;

function recorded(durations: readonly number[], now = NOW): RecentDurations {
  const recent = new RecentDurations();
  for (const duration of durations) recent.add(now, duration);
  return recent;
}

function portion(name: string | undefined, durations: readonly number[], change: Partial<TaskPortion> = {}): TaskPortion {
  return {
    ...(name === undefined ? {} : { name }), totals: { succeeded: durations.length, failed: 0, retried: 0, cancelled: 0 }, rate: 0.5, lastEndedAt: NOW,
    durations: recorded(durations).counts(NOW), totalMs: durations.reduce((sum, one) => sum + one, 0), ...change,
  };
}

describe('durations', () => {
  it.each([0.2, 1, 7, 33, 250, 1_000, 61_000, 3_600_000, 86_400_000])('tell %s ms within 5 percent', (ms) => {
    const told = percentile(recorded([ms]).counts(NOW), 50);
    expect(Math.abs(told - ms) / ms).toBeLessThan(0.05);
  });

  it('tell what so many of a hundred took at most', () => {
    const counts = recorded(Array.from({ length: 1_000 }, (_, index) => index + 1)).counts(NOW);
    for (const [percent, ms] of [[50, 500], [95, 950], [99, 990]] as const) expect(Math.abs(percentile(counts, percent) - ms) / ms).toBeLessThan(0.05);
    expect(percentile([], 50)).toBe(0);
  });

  it.each([0, -1, NaN, Infinity, 1e300])('take %s ms without harm', (ms) => {
    expect(countOf(recorded([ms]).counts(NOW))).toBe(1);
  });

  it('forget what is older than an hour, and nothing of the last half hour', () => {
    const recent = recorded([10]);
    expect(countOf(recent.counts(NOW + 29 * MINUTE))).toBe(1);
    recent.add(NOW + 31 * MINUTE, 20);
    expect([countOf(recent.counts(NOW + 31 * MINUTE)), recent.totalMs(NOW + 31 * MINUTE)]).toEqual([2, 30]);
    expect([countOf(recent.counts(NOW + 61 * MINUTE)), recent.totalMs(NOW + 61 * MINUTE)]).toEqual([1, 20]);
    expect([countOf(recent.counts(NOW + 200 * MINUTE)), recent.totalMs(NOW + 200 * MINUTE)]).toEqual([0, 0]);
  });

  it('are merged, and what is no bucket is left out', () => {
    expect(mergedCounts([[1, 2, 5, 1], [5, 3], [DURATION_BUCKETS, 7, -1, 2, 0.5, 1, 6]])).toEqual([1, 2, 5, 4]);
  });
});

describe('the report on tasks', () => {
  it('adds processes up, and tells the percentiles of all runs and not their mean', () => {
    const fast = Array.from({ length: 99 }, () => 10);
    const { tasks, overall } = tasksReport([portion('a', fast), portion('b', [5]), portion('a', [1_000], { lastEndedAt: NOW + 5 })], 10);
    expect(tasks.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(tasks[0]).toMatchObject({ totals: { succeeded: 100 }, rate: 1, lastEndedAt: NOW + 5, durations: { count: 100, totalMs: 1_990, meanMs: 19.9 } });
    expect(Math.round(tasks[0]?.durations.p99Ms ?? 0)).toBe(10);
    expect(overall.durations.count).toBe(101);
    expect(overall.durations.p99Ms).toBeLessThan(11);
  });

  it('counts names that are too many among all, and lists no more than is wanted', () => {
    const { tasks, overall } = tasksReport([portion('a', [1]), portion('b', [1, 2]), portion(undefined, [1, 2, 3])], 1);
    expect(tasks.map(({ name }) => name)).toEqual(['b']);
    expect(overall).toMatchObject({ totals: { succeeded: 6 }, durations: { count: 6 } });
    expect(tasksReport([], 1).overall).toMatchObject({ rate: 0, durations: { count: 0, p50Ms: 0, meanMs: 0 }, lastEndedAt: 0 });
  });
});
