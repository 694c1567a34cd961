import { afterEach, describe, expect, it, vi } from 'vitest';
import { clock, systemTime, takeTimeFrom, type TimeSource } from '../../../lib/time/clock.js';

describe('the clock', () => {
  afterEach(() => vi.useRealTimers());

  it('is the machine\'s, and what a test runner has put in its place', () => {
    vi.useFakeTimers({ now: 1_000 });
    const ran: number[] = [];
    const timer = clock.setInterval(() => ran.push(clock.now()), 10);
    clock.setTimeout(() => ran.push(-clock.now()), 15);
    vi.advanceTimersByTime(20);
    clock.clear(timer);
    vi.advanceTimersByTime(20);
    expect(ran).toEqual([1_010, -1_015, 1_020]);
    expect(clock.date()).toEqual(new Date(1_040));
  });

  it('takes time from elsewhere until that is taken back', async () => {
    const asked: number[] = [];
    const still: TimeSource = { ...systemTime, now: () => 42, elapsed: () => 7, setTimeout: (callback, ms) => { asked.push(ms); return systemTime.setTimeout(callback, 0); } };
    const { now, elapsed } = clock;
    const takeBack = takeTimeFrom(still);
    try {
      expect([now(), elapsed(), clock.date().getTime()]).toEqual([42, 7, 42]);
      await clock.sleep(3_600_000);
      expect(asked).toEqual([3_600_000]);
    } finally {
      takeBack();
    }
    expect(clock.now()).toBeGreaterThan(42);
  });

  it('clears what was never set', () => {
    expect(() => clock.clear(undefined)).not.toThrow();
  });
});
