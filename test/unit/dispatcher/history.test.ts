import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HistoryReader } from '../../../lib/dispatcher/inspecting/history/history-reader.js';
import { HistoryWriter, MOST_BYTES_WAITING, MOST_WAITING } from '../../../lib/dispatcher/inspecting/history/history-writer.js';
import { checkInspection } from '../../../lib/dispatcher/config/inspection-config.js';
import { DispatcherError, ResultBackendUnavailableError } from '../../../lib/errors.js';
import type { EndedEntry } from '../../../lib/inspection/book/kept-ends.js';
import type { EndedState, EndedTaskInfo } from '../../../lib/inspection/model.js';
import { createResultBackend } from '../../../lib/state/create-result-backend.js';
import { RESULTS_GONE, type StateBackend } from '../../../lib/state/state-backend.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOW = 1_000 * DAY;

let backend: StateBackend;
const problems: string[] = [];
let failure: Error | undefined;
beforeEach(async () => {
  backend = createResultBackend(`embedded:#${randomUUID()}`);
  await backend.connect();
  problems.length = 0;
  failure = undefined;
});
afterEach(async () => {
  vi.useRealTimers();
  await backend.close(1_000);
});

function entry(uuid: string, endedAt: number, state: EndedState = 'failed', name = 'add'): EndedEntry {
  return { uuid, name, attempt: 1, queue: 'q', worker: 'w', state, reason: undefined, error: undefined, startedAt: endedAt - 5, endedAt, args: [{ type: 'int64', value: 2n ** 60n }], argsBytes: 9, headers: undefined, log: [], sent: undefined, mark: undefined };
}

function told({ uuid, name, state, startedAt, endedAt, args }: EndedEntry): EndedTaskInfo {
  return { process: 'p', host: 'h', pid: 1, worker: 'w', queue: 'q', uuid, name, attempt: 1, state, startedAt, endedAt, durationMs: 5, argsBytes: 9, log: [], ...(args === undefined ? {} : { args }) };
}

function writer(states: readonly EndedState[] = ['failed']): HistoryWriter {
  return new HistoryWriter({
    backend: () => (failure === undefined ? Promise.resolve(backend) : Promise.reject(failure)), exchange: 'e', process: randomUUID(), keepMs: 7 * DAY, states: new Set(states), told,
    problem: (message) => problems.push(message),
  });
}

const reader = (exchange = 'e', now = NOW): HistoryReader => new HistoryReader(() => Promise.resolve(backend), exchange, 7 * DAY, () => now);
const uuids = (ends: readonly EndedTaskInfo[]): string[] => ends.map(({ uuid }) => uuid);

describe('the history of ended tasks', () => {
  it('is found again over processes and days, the latest first, page by page, with every digit', async () => {
    const [one, two] = [writer(), writer()];
    for (let hours = 0; hours < 100; hours++) (hours % 2 === 0 ? one : two).add(entry(`t${hours}`, NOW - hours * HOUR));
    one.add(entry('other', NOW - 1, 'succeeded'));
    await Promise.all([one.stop(), two.stop()]);
    const all: string[] = [];
    for (let until = NOW + 1; ;) {
      const page = await reader().read({ until }, 30);
      if (page.length === 0) break;
      all.push(...uuids(page));
      until = page.at(-1)?.endedAt ?? 0;
    }
    expect(all).toEqual(Array.from({ length: 100 }, (_, hours) => `t${hours}`));
    const [found] = await reader().read({ uuid: 't70' }, 10);
    expect(found).toEqual(told(entry('t70', NOW - 70 * HOUR)));
    expect(uuids(await reader().read({ since: NOW - 50 * HOUR, until: NOW - 47 * HOUR, args: { 0: '1152921504606846976' } }, 10))).toEqual(['t48', 't49', 't50']);
    expect(uuids(await reader('e', NOW + 4 * DAY).read({}, 1_000)).at(-1)).toBe('t72');
    expect(await reader('other').read({}, 10)).toEqual([]);
  });

  it('keeps nobody waiting while the store is away, drops what is too much, says so once, and goes on by itself', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const one = writer();
    failure = new ResultBackendUnavailableError('away');
    one.add(entry('first', NOW - 9));
    await vi.advanceTimersByTimeAsync(3_000);
    for (let index = 0; index < MOST_WAITING + 30; index++) one.add(entry(`t${index}`, NOW - 8));
    await vi.advanceTimersByTimeAsync(20_000);
    expect(problems).toEqual([expect.stringContaining('cannot be written')]);
    failure = undefined;
    await vi.advanceTimersByTimeAsync(10_000);
    vi.useRealTimers();
    await one.stop();
    expect(problems.slice(1)).toEqual([expect.stringContaining('lacks 30')]);
    const found = uuids(await reader().read({}, 10_000));
    expect([found.length, found.at(-1), new Set(found).size]).toEqual([MOST_WAITING + 1, 'first', MOST_WAITING + 1]);
  });

  it('keeps no more bytes of arguments for an absent store than it may, and has room again once they are written', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const one = writer();
    failure = new ResultBackendUnavailableError('away');
    const argsBytes = MOST_BYTES_WAITING / 100;
    const add = (count: number): void => { for (let index = 0; index < count; index++) one.add({ ...entry(randomUUID(), NOW - 8), argsBytes }); };
    add(140);
    failure = undefined;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(problems).toEqual([expect.stringContaining('lacks 40')]);
    add(90);
    await vi.advanceTimersByTimeAsync(10_000);
    vi.useRealTimers();
    await one.stop();
    expect(problems).toHaveLength(1);
    expect(await reader().read({}, 1_000)).toHaveLength(190);
  });

  it('gives a batch up that can never be written, and writes the next', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const one = writer();
    failure = new DispatcherError(RESULTS_GONE, 'dropped in part');
    one.add(entry('lost', NOW - 9));
    await vi.advanceTimersByTimeAsync(1_500);
    failure = undefined;
    one.add(entry('kept', NOW - 8));
    await vi.advanceTimersByTimeAsync(10_000);
    vi.useRealTimers();
    await one.stop();
    expect(uuids(await reader().read({}, 10))).toEqual(['kept']);
    expect(problems).toEqual([expect.stringContaining('cannot be written'), expect.stringContaining('lacks 1:')]);
  });

  it('ends in time, whatever the store does', async () => {
    const one = new HistoryWriter({ backend: () => new Promise(() => undefined), exchange: 'e', process: 'p', keepMs: DAY, states: new Set(['failed']), told, problem: () => undefined });
    one.add(entry('t', NOW));
    const begun = performance.now();
    await one.stop();
    expect(performance.now() - begun).toBeLessThan(5_000);
  });
});

describe('its configuration', () => {
  const STORE = 'redis://localhost:6379/0';

  it('is off by default, and keeps what did not succeed', () => {
    expect(checkInspection({}, STORE).history).toBeUndefined();
    expect(checkInspection({ history: { keepDays: 7 } }, STORE).history).toEqual({ keepMs: 7 * DAY, states: new Set(['failed', 'cancelled', 'expired']) });
    expect(checkInspection({ history: { keepDays: 1, states: ['succeeded'] } }, STORE).history?.states).toEqual(new Set(['succeeded']));
  });

  it.each([
    [{ keepDays: 0 }, STORE, /from 1 to 90; found the number 0/], [{}, STORE, /keepDays must be/], [{ keepDays: 7, states: ['dead'] }, STORE, /states must be a list/],
    [{ keepDays: 7, states: [] }, STORE, /states must be a list/], [{ keepDays: 7, days: 1 }, STORE, /days/], [{ keepDays: 7 }, undefined, /needs a store/], [{ keepDays: 7 }, 'amqp', /needs a store/],
    [{ keepDays: 7 }, 'amqps://host/', /needs a store/],
  ])('refuses %j with %s', (history, resultBackend, message) => {
    expect(() => checkInspection({ history: history as never }, resultBackend)).toThrow(message);
  });
});
