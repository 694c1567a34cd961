import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Deadlines } from '../../../../lib/state/supervised/deadlines.js';

describe('Deadlines', () => {
  beforeEach(() => { vi.useFakeTimers(); });
  afterEach(() => { vi.useRealTimers(); });

  it('calls back once its time is over, never earlier, and once', () => {
    const overdue = vi.fn();
    const deadlines = new Deadlines(1_000);
    const deadline = deadlines.begin(1_000, overdue);
    vi.advanceTimersByTime(999);
    expect(overdue).not.toHaveBeenCalled();
    vi.advanceTimersByTime(51);
    expect(overdue).toHaveBeenCalledTimes(1);
    expect(deadlines.end(deadline)).toBe(false);
    vi.advanceTimersByTime(5_000);
    expect(overdue).toHaveBeenCalledTimes(1);
  });

  it('does not wait for what began earlier and has more time left', () => {
    const told: string[] = [];
    const deadlines = new Deadlines(1_000);
    deadlines.begin(1_000, () => told.push('long'));
    deadlines.begin(100, () => told.push('short'));
    vi.advanceTimersByTime(150);
    expect(told).toEqual(['short']);
  });

  it('keeps no timer when nothing waits', () => {
    const deadlines = new Deadlines(1_000);
    const ended = [1, 2].map(() => deadlines.begin(1_000, () => expect.fail('it has ended')));
    expect(vi.getTimerCount()).toBe(1);
    for (const one of ended) expect(deadlines.end(one)).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });
});
