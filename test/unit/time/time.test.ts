import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { pauseUntil } from '../../../lib/time/pause-until.js';
import { makeStopper } from '../../../lib/time/stopper.js';
import { Timer } from '../../../lib/time/timer.js';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

beforeEach(() => { vi.useFakeTimers(); });
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe('a timer', () => {
  /** Reproduces: Node's own fire at once beyond 2^31-1 ms. */
  it.each([0, 1, 2 ** 31 - 2, 2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 100 * DAY_MS, 2 ** 34])('calls back once after %d ms, and not before', (ms) => {
    const calls = vi.fn();
    new Timer(ms, calls);
    if (ms > 0) vi.advanceTimersByTime(ms - 1);
    expect(calls).toHaveBeenCalledTimes(0);
    vi.advanceTimersByTime(1);
    expect(calls).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(DAY_MS);
    expect(calls).toHaveBeenCalledTimes(1);
  });

  it('of Infinity never calls back, and can be ended', () => {
    const calls = vi.fn();
    const timer = new Timer(Infinity, calls);
    vi.advanceTimersByTime(1_000 * DAY_MS);
    expect(calls).not.toHaveBeenCalled();
    timer.cancel();
  });

  it.each([-HOUR_MS, DAY_MS])('does not see the clock being set by %d ms', (step) => {
    const calls = vi.fn();
    new Timer(60_000, calls);
    vi.setSystemTime(Date.now() + step);
    vi.advanceTimersByTime(59_999);
    expect(calls).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(calls).toHaveBeenCalledTimes(1);
  });
});

describe('a pause', () => {
  it('ends with its time, and with its signal, and leaves nothing behind', async () => {
    const stopper = makeStopper();
    const ended: string[] = [];
    const short = pauseUntil(10, stopper.signal).then(() => ended.push('short'));
    const long = pauseUntil(100 * DAY_MS, stopper.signal).then(() => ended.push('long'));
    await vi.advanceTimersByTimeAsync(10);
    expect(ended).toEqual(['short']);
    stopper.abort();
    await Promise.all([short, long]);
    await pauseUntil(DAY_MS, stopper.signal);
  });

  /** Reproduces: the eleventh who waited had Node warn of a leak. */
  it('may be made by any number at once', async () => {
    const warn = vi.fn();
    process.on('warning', warn);
    const stopper = makeStopper();
    const pauses = Array.from({ length: 50 }, () => pauseUntil(1_000, stopper.signal));
    vi.useRealTimers();
    // A warning is told later.
    await new Promise((resolve) => { setImmediate(resolve); });
    stopper.abort();
    await Promise.all(pauses);
    process.off('warning', warn);
    expect(warn).not.toHaveBeenCalled();
    vi.useFakeTimers();
  });
});
