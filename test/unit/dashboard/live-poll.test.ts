import { afterEach, expect, it, vi } from 'vitest';
import type { InspectionFace } from '../../../lib/dashboard/inspection.js';
import { LivePoll, pauseAfter } from '../../../lib/dashboard/live/live-poll.js';
import { Curtain } from '../../../lib/dashboard/panel/curtain.js';
import type { DispatcherService } from '../../../lib/index.js';

afterEach(() => vi.useRealTimers());

it('asks the more seldom the longer a look takes, within bounds', () => {
  expect([0, 100, 250, 500, 1_500, 60_000].map((tookMs) => pauseAfter(tookMs, 1_000))).toEqual([1_000, 1_000, 1_000, 2_000, 6_000, 8_000]);
  expect(pauseAfter(3_000, 20_000)).toBe(20_000);
});

/** @returns how often it looked within a minute, where each look takes so long */
async function looksInAMinute(tookMs: number, fails = false): Promise<number> {
  vi.useFakeTimers();
  let looks = 0;
  const answer = <T>(value: T) => () => new Promise<T>((resolve, reject) => setTimeout(() => { if (fails) reject(new Error('away')); else resolve(value); }, tookMs));
  const inspection = {
    processes: () => { looks++; return answer([])(); },
    queues: answer({ queues: [], delayed: 0, undelivered: 0 }), running: answer([]),
  } as unknown as InspectionFace;
  const poll = new LivePoll({ inspection, service: { state: { status: 'ready' } } as unknown as DispatcherService, curtain: new Curtain(), now: () => Date.now() });
  const leave = poll.subscribe(() => undefined);
  await vi.advanceTimersByTimeAsync(59_999);
  leave();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(vi.getTimerCount()).toBe(0);
  return looks;
}

it('looks every second where that costs nothing, seldom where it takes long, and often where nothing is heard', async () => {
  expect(await looksInAMinute(10)).toBeGreaterThan(55);
  expect(await looksInAMinute(2_000)).toBe(6);
  expect(await looksInAMinute(2_000, true)).toBe(20);
});
