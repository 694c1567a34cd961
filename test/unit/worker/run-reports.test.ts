import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TaskOutcome, TimelineEntry } from '../../../lib/results/task-result.js';
import { LOOK_EVERY_MS, NOTES_EVERY_MS, RunReports } from '../../../lib/worker/run-reports.js';

interface Told { states: string[]; fraction?: number; outcome?: TaskOutcome }

let told: Told[];
let onRecord: () => Promise<void>;
let stopped: AbortController;
let problems: string[];
let listenedTo: boolean;
let reports: RunReports;

beforeEach(() => {
  vi.useFakeTimers();
  told = [];
  problems = [];
  listenedTo = true;
  stopped = new AbortController();
  onRecord = () => Promise.resolve();
  reports = new RunReports({ uuid: 'u', name: 'n' }, {
    recorder: {
      reaches: () => true,
      isListenedTo: () => listenedTo,
      record: async (_, entries, outcome) => {
        await onRecord();
        told.push({ states: entries.map(({ state }) => state), fraction: entries.at(-1)?.fraction, outcome });
      },
    },
    stopped: stopped.signal,
    onProblem: (message) => { problems.push(message); },
  });
});

afterEach(() => { vi.useRealTimers(); });

const entry = (state: TimelineEntry['state'], more: Partial<TimelineEntry> = {}): TimelineEntry => ({ state, at: 1, attempt: 1, ...more });

describe('what is told of a run', () => {
  it('is told in one where the task is over at once', async () => {
    reports.note(entry('received'));
    reports.note(entry('started'));
    expect(await reports.end(entry('succeeded'), { kind: 'value', value: 1 })).toBe(true);
    await vi.advanceTimersByTimeAsync(10 * NOTES_EVERY_MS);
    expect(told).toEqual([{ states: ['received', 'started', 'succeeded'], fraction: undefined, outcome: { kind: 'value', value: 1 } }]);
  });

  it('has of a million steps of progress the latest, now and then, and the last before the end', async () => {
    reports.note(entry('started'));
    for (let i = 0; i < 500_000; i++) reports.note(entry('progress', { fraction: i / 1e6 }));
    await vi.advanceTimersByTimeAsync(NOTES_EVERY_MS);
    for (let i = 500_000; i <= 1_000_000; i++) reports.note(entry('progress', { fraction: i / 1e6 }));
    await reports.end(entry('failed'));
    expect(told.map(({ states }) => states)).toEqual([['started', 'progress'], ['progress', 'failed']]);
    expect(told[0]?.fraction).toBe(0.499999);
  });

  it('goes along with the next note when it could not be sent, and the end is told until it is', async () => {
    onRecord = () => Promise.reject(new Error('away'));
    reports.note(entry('started'));
    await vi.advanceTimersByTimeAsync(NOTES_EVERY_MS);
    reports.note(entry('progress', { fraction: 0.5 }));
    await vi.advanceTimersByTimeAsync(NOTES_EVERY_MS);
    const ending = reports.end(entry('succeeded'));
    await vi.advanceTimersByTimeAsync(150);
    onRecord = () => Promise.resolve();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await ending).toBe(true);
    expect(told.map(({ states }) => states)).toEqual([['started', 'progress', 'succeeded']]);
    expect(problems).toHaveLength(4);
  });

  it('keeps its order while one is on its way', async () => {
    let sent = (): void => undefined;
    onRecord = () => new Promise((resolve) => { sent = resolve; });
    reports.note(entry('started'));
    await vi.advanceTimersByTimeAsync(NOTES_EVERY_MS);
    const ending = reports.end(entry('succeeded'));
    await vi.advanceTimersByTimeAsync(0);
    expect(told).toEqual([]);
    sent();
    await vi.advanceTimersByTimeAsync(0);
    sent();
    expect(await ending).toBe(true);
    expect(told.map(({ states }) => states)).toEqual([['started'], ['succeeded']]);
  });

  it('does not stand in line while one is on its way for long: the latest goes after it', async () => {
    let [sent, calls] = [(): void => undefined, 0];
    onRecord = () => new Promise((resolve) => { calls++; sent = resolve; });
    for (let step = 1; step <= 100; step++) {
      reports.note(entry('progress', { fraction: step / 100 }));
      await vi.advanceTimersByTimeAsync(NOTES_EVERY_MS);
    }
    expect(calls).toBe(1);
    onRecord = () => Promise.resolve();
    sent();
    await vi.advanceTimersByTimeAsync(NOTES_EVERY_MS);
    expect(told.map(({ fraction }) => fraction)).toEqual([0.01, 1]);
    await reports.end(entry('succeeded'));
    expect([told.at(-1)?.states, vi.getTimerCount()]).toEqual([['succeeded'], 0]);
  });

  it('is not the end when the worker stops before it is told', async () => {
    onRecord = () => Promise.reject(new Error('away'));
    const ending = reports.end(entry('succeeded'));
    await vi.advanceTimersByTimeAsync(0);
    stopped.abort();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await ending).toBe(false);
  });

  it('ends without an end when the run is given up or goes on elsewhere', async () => {
    reports.note(entry('started'));
    reports.leave(entry('retrying'));
    await vi.advanceTimersByTimeAsync(0);
    reports.note(entry('progress'));
    await vi.advanceTimersByTimeAsync(10 * NOTES_EVERY_MS);
    expect(told.map(({ states }) => states)).toEqual([['started', 'retrying']]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('waits while nobody listens, and is told with the latest progress once somebody does again', async () => {
    listenedTo = false;
    reports.note(entry('started'));
    for (let step = 1; step <= 200; step++) {
      reports.note(entry('progress', { fraction: step / 1_000 }));
      await vi.advanceTimersByTimeAsync(NOTES_EVERY_MS);
    }
    expect(told).toEqual([]);
    listenedTo = true;
    await vi.advanceTimersByTimeAsync(LOOK_EVERY_MS);
    expect(told).toEqual([{ states: ['started', 'progress'], fraction: 0.2, outcome: undefined }]);
    reports.note(entry('progress', { fraction: 0.3 }));
    await vi.advanceTimersByTimeAsync(NOTES_EVERY_MS);
    expect(told.at(-1)).toMatchObject({ states: ['progress'], fraction: 0.3 });
  });

  it('has an end though nobody listens, with what waited for it, and leaves no timer behind', async () => {
    listenedTo = false;
    reports.note(entry('started'));
    reports.note(entry('progress', { fraction: 0.5 }));
    await vi.advanceTimersByTimeAsync(3 * LOOK_EVERY_MS);
    expect(await reports.end(entry('succeeded'), { kind: 'value', value: 1 })).toBe(true);
    expect(told.map(({ states }) => states)).toEqual([['started', 'progress', 'succeeded']]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is told to the end of a run that goes on in another, though nobody listens', async () => {
    listenedTo = false;
    reports.note(entry('started'));
    await vi.advanceTimersByTimeAsync(NOTES_EVERY_MS);
    reports.leave(entry('retrying'));
    await vi.advanceTimersByTimeAsync(0);
    expect(told.map(({ states }) => states)).toEqual([['started', 'retrying']]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is dropped with a run that is given up while nobody listens', async () => {
    listenedTo = false;
    reports.note(entry('started'));
    await vi.advanceTimersByTimeAsync(LOOK_EVERY_MS);
    reports.abandon();
    await vi.advanceTimersByTimeAsync(LOOK_EVERY_MS);
    expect([told, vi.getTimerCount()]).toEqual([[], 0]);
  });
});
