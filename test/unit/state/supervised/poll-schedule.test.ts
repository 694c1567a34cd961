import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PollSchedule } from '../../../../lib/state/supervised/poll-schedule.js';

describe('when to look again', () => {
  beforeEach(() => { vi.useFakeTimers(); });
  afterEach(() => { vi.useRealTimers(); });

  it('is after pauses that double up to the longest', () => {
    const looks: number[] = [];
    const began = performance.now();
    const schedule: PollSchedule<number> = new PollSchedule(10, 100, (steps) => {
      for (const step of steps) {
        looks.push(Math.round(performance.now() - began));
        schedule.add(step + 1, step + 1);
      }
    });
    schedule.add(0, 0);
    vi.advanceTimersByTime(500);
    schedule.stop();
    vi.advanceTimersByTime(500);
    expect(looks).toEqual([10, 30, 70, 150, 250, 350, 450]);
  });

  it('is in time for a newer one that is due sooner', () => {
    const due: string[] = [];
    const schedule = new PollSchedule<string>(10, 1000, (items) => due.push(...items));
    schedule.add('patient', 99);
    vi.advanceTimersByTime(100);
    schedule.add('eager', 0);
    vi.advanceTimersByTime(10);
    expect(due).toEqual(['eager']);
    vi.advanceTimersByTime(890);
    expect(due).toEqual(['eager', 'patient']);
  });

  it('serves any number with one timer', () => {
    const due: number[] = [];
    const schedule = new PollSchedule<number>(10, 100, (items) => due.push(...items));
    for (let item = 0; item < 10_000; item++) schedule.add(item, 0);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(10);
    expect(due).toHaveLength(10_000);
    expect(vi.getTimerCount()).toBe(0);
  });
});
