import { describe, expect, it } from 'vitest';
import { aheadOf, QueuePrefetch, taskTime } from '../../../../../lib/worker/intake/queue-prefetch.js';
import { distributions } from './distributions.js';
import { idealMakespanMs, type Outcome, type PrefetchRule, type Scene, Simulation } from './simulation.js';

const LIMIT = 10;

function libraryRule(roundTripMs: number): PrefetchRule {
  const prefetch = new QueuePrefetch(LIMIT);
  prefetch.tookRoundTrip(roundTripMs);
  return {
    get current() { return prefetch.current; },
    ended: (now, durationMs, runningMs) => prefetch.ended(now, durationMs, runningMs) ? prefetch.current : undefined,
  };
}

/** Nothing waits in a worker. */
const justTheLimit: PrefetchRule = { current: LIMIT, ended: () => undefined };

function sceneOf(durations: readonly number[], roundTripMs: number, workers = 2): Scene {
  return { workers, limit: LIMIT, roundTripMs, overheadMs: 0.014, durations };
}

function simulate(scene: Scene, rule = () => libraryRule(scene.roundTripMs)): Outcome & { readonly ofIdeal: number; readonly hoarded: number } {
  const outcome = new Simulation(scene, rule).run();
  const idealMs = idealMakespanMs(scene);
  return { ...outcome, ofIdeal: idealMs / outcome.makespanMs, hoarded: outcome.hoardedSlotMs / (idealMs * scene.workers * scene.limit) };
}

describe('aheadOf', () => {
  it.each([
    ['what the slots get done in 10 ms, near the broker', { limit: 10, taskMs: 1, roundTripMs: 0.5 }, 100],
    ['what they get done in four round trips, further away', { limit: 10, taskMs: 10, roundTripMs: 5 }, 20],
    ['never what takes more than 50 ms to get done', { limit: 10, taskMs: 10, roundTripMs: 500 }, 50],
    ['at most 300', { limit: 100, taskMs: 0.02, roundTripMs: 1 }, 300],
    ['none of long tasks', { limit: 10, taskMs: 101, roundTripMs: 1 }, 0],
    ['few even of many slots', { limit: 100, taskMs: 3_600_000, roundTripMs: 10 }, 0],
    ['none while nothing is known', { limit: 10, taskMs: Infinity, roundTripMs: 0 }, 0],
    ['at most 300 of what takes no time', { limit: 1, taskMs: 0, roundTripMs: 0 }, 300],
  ])('is %s', (_, pace, ahead) => {
    expect(aheadOf(pace)).toBe(ahead);
  });
});

describe('taskTime', () => {
  const ended = { count: 9, sumMs: 0.9, spanMs: 1_000 };

  it('is the mean of what has ended', () => {
    expect(taskTime(ended, [])).toBeCloseTo(0.1);
    expect(taskTime({ count: 0, sumMs: 0, spanMs: 0 }, [])).toBe(Infinity);
  });

  it('passes over what has just begun, and takes what still runs for long', () => {
    expect(taskTime(ended, [0.5, 4])).toBeCloseTo(0.1);
    expect(taskTime(ended, [6])).toBeCloseTo(10.09);
    expect(taskTime(ended, [400])).toBeCloseTo(80.09);
  });

  it('passes over what began before all that count: its like have ended among them', () => {
    expect(taskTime({ ...ended, spanMs: 300 }, [400])).toBeCloseTo(0.1);
  });
});

describe('QueuePrefetch', () => {
  /** @returns the prefetch after so many tasks, one each millisecond */
  function after(prefetch: QueuePrefetch, tasks: number, durationMs: number, runningMs: readonly number[] = []): number {
    for (let i = 0; i < tasks; i++) prefetch.ended(++now, durationMs, () => runningMs);
    return prefetch.current;
  }
  let now = 0;

  it('is the limit until 20 ms have shown whether some take long', () => {
    const prefetch = new QueuePrefetch(LIMIT);
    expect(after(prefetch, 20, 0.05)).toBe(LIMIT);
    expect(after(prefetch, 20, 0.05)).toBe(LIMIT + 300);
  });

  it('shrinks as soon as one that runs shows that some take long', () => {
    const prefetch = new QueuePrefetch(LIMIT);
    after(prefetch, 100, 0.05);
    expect(after(prefetch, 8, 0.05, [6, 7, 8, 9])).toBeLessThan(LIMIT + 40);
  });

  it('goes to the limit at once when stalled, and does not leap back', () => {
    const prefetch = new QueuePrefetch(LIMIT);
    after(prefetch, 100, 0.05);
    prefetch.stalled(now);
    expect(prefetch.current).toBe(LIMIT);
    expect(after(prefetch, 16, 0.05)).toBe(LIMIT);
    expect(after(prefetch, 24, 0.05)).toBeLessThan(LIMIT + 10);
    expect(after(prefetch, 5_000, 0.05)).toBeGreaterThan(LIMIT + 200);
  });

  it('follows another limit at once, and keeps what it has learned of the durations', () => {
    const prefetch = new QueuePrefetch(2);
    prefetch.setLimit(5);
    expect(prefetch.current).toBe(5);
    expect(after(prefetch, 100, 1)).toBe(55);
    prefetch.setLimit(10);
    expect(prefetch.current).toBe(110);
    prefetch.stalled(now);
    prefetch.setLimit(4);
    expect(prefetch.current).toBe(4);
  });

  it('does not change for little', () => {
    const prefetch = new QueuePrefetch(LIMIT);
    expect(after(prefetch, 100, 2)).toBe(LIMIT + 50);
    expect(after(prefetch, 1_000, 2.5)).toBe(LIMIT + 50);
    expect(after(prefetch, 1_000, 20)).toBeLessThan(LIMIT + 10);
  });
});

/** By simulation, with the library's own acknowledgements and steps of a prefetch. It counts in time of the simulation: nothing is measured. */
describe.each(Object.entries(distributions))('two workers over one queue, tasks that take: %s', (name, durations) => {
  it('are hardly slower than one line for all slots, and hoard hardly anything', () => {
    const near = simulate(sceneOf(durations, 1));
    expect(near.ofIdeal).toBeGreaterThan(0.85);
    expect(near.hoarded).toBeLessThan(0.02);
    expect(near.steps).toBeLessThan(100);
  });

  it('are far ahead of workers that ask for no more than they run, where the broker is further away', () => {
    const far = simulate(sceneOf(durations, 5));
    const plain = simulate(sceneOf(durations, 5), () => justTheLimit);
    expect(far.makespanMs).toBeLessThanOrEqual(plain.makespanMs);
    if (name !== 'all 200 ms') expect(far.ofIdeal).toBeGreaterThan(1.1 * plain.ofIdeal);
    expect(far.hoarded).toBeLessThan(0.03);
  });
});

describe('a worker that holds only what it runs', () => {
  it('loses no more than the way to the broker while tasks end out of order', () => {
    const scene = sceneOf(distributions['exponential, mean 5 ms']!, 1);
    const { ofIdeal, acks } = simulate(scene, () => justTheLimit);
    // Of 5 ms and 1 ms for the way, 5 are work. What is acknowledged in the same turn goes together.
    expect(ofIdeal).toBeGreaterThan(0.8);
    expect(acks).toBeLessThanOrEqual(scene.durations.length);
  });
});
