import { afterEach, expect, it, vi } from 'vitest';
import type { InspectionFace } from '../../../lib/dashboard/inspection.js';
import { LivePoll, pauseAfter } from '../../../lib/dashboard/live/live-poll.js';
import { Curtain } from '../../../lib/dashboard/panel/curtain.js';
import type { DispatcherService } from '../../../lib/index.js';
import { ScriptedInspection } from '../../support/scripted-inspection.js';

afterEach(() => vi.useRealTimers());

it('asks the more seldom the longer a look takes, within bounds', () => {
  expect([0, 100, 250, 500, 1_500, 60_000].map((tookMs) => pauseAfter(tookMs, 2, 1_000))).toEqual([1_000, 1_000, 2_250, 4_500, 10_000, 10_000]);
  expect(pauseAfter(3_000, 2, 20_000)).toBe(20_000);
});

it('asks many processes the more seldom, within the same bounds', () => {
  expect([1, 10, 50, 100, 5_000].map((processes) => pauseAfter(10, processes, 1_000))).toEqual([1_000, 1_000, 3_000, 6_000, 10_000]);
});

/** @returns how often it looked within a minute, where each look takes so long */
async function looksInAMinute(tookMs: number, fails = false): Promise<number> {
  vi.useFakeTimers();
  let looks = 0;
  const answer = <T>(value: T) => () => new Promise<T>((resolve, reject) => setTimeout(() => { if (fails) reject(new Error('away')); else resolve(value); }, tookMs));
  const inspection = { overview: () => { looks++; return answer({ processes: [], queues: { queues: [], delayed: 0, undelivered: 0 } })(); } } as unknown as InspectionFace;
  const poll = new LivePoll({ inspection, service: { state: { status: 'ready' } } as unknown as DispatcherService, curtain: new Curtain(), now: () => Date.now() });
  const leave = poll.subscribe(() => undefined, false);
  await vi.advanceTimersByTimeAsync(59_999);
  leave();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(vi.getTimerCount()).toBe(0);
  return looks;
}

it('looks every second where that costs nothing, seldom where it takes long, and often where nothing is heard', async () => {
  expect(await looksInAMinute(10)).toBeGreaterThan(55);
  expect(await looksInAMinute(2_000)).toBe(5);
  expect(await looksInAMinute(2_000, true)).toBe(20);
});

it('asks for what runs only while a page shows it, and then at once', async () => {
  vi.useFakeTimers();
  const inspection = new ScriptedInspection();
  const asked: (number | undefined)[] = [];
  const { overview } = inspection;
  inspection.overview = (options) => { asked.push(options?.running); return overview(options); };
  const poll = new LivePoll({ inspection, service: { state: { status: 'ready' } } as unknown as DispatcherService, curtain: new Curtain(), now: () => Date.now() });
  const seen: string[][] = [];
  const leave = poll.subscribe(() => undefined, false);
  await vi.advanceTimersByTimeAsync(10);
  expect(asked).toEqual([undefined]);
  const leaveRuns = poll.subscribe((texts) => seen.push([...texts.keys()]), true);
  await vi.advanceTimersByTimeAsync(10);
  expect(asked).toEqual([undefined, 300]);
  // What was known before is shown at once, without a list that would be empty.
  expect(seen).toEqual([['overview', 'queues', 'processes'], ['overview', 'queues', 'processes', 'running']]);
  leaveRuns();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asked).toEqual([undefined, 300, undefined]);
  leave();
  expect(vi.getTimerCount()).toBe(0);
});
