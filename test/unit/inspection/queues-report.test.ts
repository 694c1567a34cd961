import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LastingSource } from '../../../lib/inspection/lasting-source.js';
import { SHAPES } from '../../../lib/inspection/asking/shapes.js';
import type { QueuePart } from '../../../lib/inspection/asking/messages.js';
import { countsOf, queuesReport, queuesReportOf, type QueueSource } from '../../../lib/inspection/queues-report.js';

const counting = (): { source: QueueSource; asked: string[] } => {
  const asked: string[] = [];
  const count = (what: string, found: number | undefined) => (queue = '') => {
    asked.push(`${what}${queue}`);
    return Promise.resolve(found);
  };
  return { asked, source: { ...SOURCE, depth: count('depth ', 1), dead: count('dead ', undefined), undelivered: count('undelivered', undefined), delayed: count('delayed', 7) as () => Promise<number> } };
};

const SOURCE: QueueSource = {
  known: () => [{ name: 'own', type: 'quorum' }, { name: 'servers', type: undefined }], depth: () => Promise.resolve(1), oldestSince: () => Promise.resolve(undefined), dead: () => Promise.resolve(0),
  delayed: () => Promise.resolve(0), undelivered: () => Promise.resolve(undefined), pauses: () => Promise.resolve([]), now: () => 10_000,
};
const part = (queue: string, type?: QueuePart['type']): QueuePart => ({ queue, ...(type === undefined ? {} : { type }), running: 0, waiting: 0, consuming: true, history: [] });

it('knows the types of queues from its own configuration, and from the workers of others', async () => {
  const { queues } = await queuesReport(SOURCE, [part('theirs', 'quorum'), part('servers', 'classic'), part('nobodys'), part('nobodys')]);
  expect(queues.map(({ name, type, consumers }) => [name, type, consumers])).toEqual([['nobodys', undefined, 2], ['own', 'quorum', 0], ['servers', 'classic', 1], ['theirs', 'quorum', 1]]);
});

it('tells the longest that a task had waited which ended last', async () => {
  const { queues } = await queuesReport(SOURCE, [{ ...part('theirs'), lastWaitMs: 5 }, { ...part('theirs'), lastWaitMs: 90 }, part('theirs'), part('nobodys')]);
  expect(queues.map(({ name, lastWaitMs }) => [name, lastWaitMs])).toEqual([['nobodys', undefined], ['own', undefined], ['servers', undefined], ['theirs', 90]]);
});

it('believes no answer with a type that there is not', () => {
  expect([part('q'), part('q', 'quorum'), { ...part('q'), type: 'stream' }, { ...part('q'), type: 5 }, { ...part('q'), lastWaitMs: 5 }, { ...part('q'), lastWaitMs: 'long' }].map(SHAPES.queues)).toEqual([true, true, false, false, true, false]);
});

it('tells how long the oldest has waited, where the broker can know it, and never less than nothing', async () => {
  const since = new Map([['own', 4_000], ['servers', 10_500]]);
  const { queues } = await queuesReport({ ...SOURCE, oldestSince: (queue) => Promise.resolve(since.get(queue)) }, [part('theirs')]);
  expect(queues.map(({ name, oldestWaitMs }) => [name, oldestWaitMs])).toEqual([['own', 6_000], ['servers', 0], ['theirs', undefined]]);
});

it('asks the broker once for each queue, whether it was known beforehand or only by an answer', async () => {
  const { source, asked } = counting();
  const counts = await countsOf(source, ['theirs']);
  const before = asked.splice(0).sort();
  expect(before).toEqual(['dead own', 'dead servers', 'dead theirs', 'delayed', 'depth own', 'depth servers', 'depth theirs', 'undelivered']);
  const { queues } = await queuesReportOf(counts, source, [part('theirs'), part('new')]);
  expect(queues.map(({ name }) => name)).toEqual(['new', 'own', 'servers', 'theirs']);
  expect(asked).toEqual(['depth new', 'dead new']);
});

describe('for whoever looks again and again', () => {
  beforeEach(() => { vi.useFakeTimers(); });
  afterEach(() => { vi.useRealTimers(); });

  it('what is not there, what is paused and what is delayed is asked again after some seconds alone, and at once where something was done', async () => {
    const { source, asked } = counting();
    let paused = 0;
    const lasting = new LastingSource({ ...source, pauses: () => { paused++; return Promise.resolve([]); } });
    const look = async (): Promise<string[]> => {
      await queuesReportOf(await countsOf(lasting, []), lasting, []);
      await vi.advanceTimersByTimeAsync(0);
      return asked.splice(0).sort();
    };
    const always = ['depth own', 'depth servers'];
    const seldom = ['dead own', 'dead servers', 'delayed', 'undelivered'];
    expect(await look()).toEqual([...seldom.slice(0, 3), ...always, 'undelivered'].sort());
    expect(await look()).toEqual(always);
    expect(paused).toBe(1);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await look()).toEqual([...always, ...seldom].sort());
    expect(paused).toBe(2);
    lasting.forget();
    expect(await look()).toEqual([...always, 'dead own', 'dead servers', 'undelivered'].sort());
    expect(paused).toBe(3);
  });

  it('what is delayed is told as it was before while it is asked anew, and a failure is told to the first who asks', async () => {
    let [found, fails] = [1, true];
    const lasting = new LastingSource({ ...SOURCE, delayed: () => (fails ? Promise.reject(new Error('away')) : Promise.resolve(found)) });
    await expect(lasting.delayed()).rejects.toThrow('away');
    fails = false;
    expect(await lasting.delayed()).toBe(1);
    found = 2;
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await lasting.delayed()).toBe(1);
    await vi.advanceTimersByTimeAsync(0);
    expect(await lasting.delayed()).toBe(2);
    fails = true;
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await lasting.delayed()).toBe(2);
    await vi.advanceTimersByTimeAsync(0);
    expect(await lasting.delayed()).toBe(2);
  });
});
