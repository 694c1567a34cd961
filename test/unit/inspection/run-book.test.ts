import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { KeptEnds, type EndedEntry } from '../../../lib/inspection/book/kept-ends.js';
import { mergedMinutes, QueueMinutes } from '../../../lib/inspection/book/queue-minutes.js';
import { Ring } from '../../../lib/inspection/book/ring.js';
import { MOST_ARGS_BYTES, MOST_SUCCESSES_A_SECOND, RunBook } from '../../../lib/inspection/book/run-book.js';
import { TaskKind } from '../../../lib/inspection/book/task-kind.js';
import { Tally } from '../../../lib/inspection/book/tally.js';
import { RunNotes } from '../../../lib/worker/run-notes.js';
import type { ObservedRun } from '../../../lib/worker/run-observer.js';

const MINUTE = 60_000;

function run(uuid: string, { bytes = 10, headers = {}, tookMs = 0 } = {}): ObservedRun {
  return {
    uuid, name: 'add', attempt: 1, queue: 'q.high', worker: 'w', startedAt: performance.now() - tookMs, headers, notes: undefined,
    task: { args: [{ type: 'string', value: uuid }] }, delivery: { body: { length: bytes } },
  };
}

function uuids(entries: Iterable<EndedEntry>): string[] {
  return [...entries].map(({ uuid }) => uuid);
}

describe('a ring', () => {
  it('keeps the last ones, and tells them from the newest to the oldest', () => {
    const ring = new Ring<number>(3);
    for (const item of [1, 2, 3, 4, 5]) ring.push(item);
    expect([...ring.newestFirst()]).toEqual([5, 4, 3]);
    expect([ring.first, ring.next, ring.at(1), ring.at(2), ring.at(4), ring.at(5), ring.leaving]).toEqual([2, 5, undefined, 3, 5, undefined, 3]);
  });
});

describe('how long the last one had waited', () => {
  it('is known where its message says since when, and stays until another one says so', () => {
    const book = new RunBook(() => 10_000).of('w', 'q');
    expect(book.lastWaitMs).toBeUndefined();
    book.ended(run('a', { headers: { 'x-dispatcher-published': 4_000 }, tookMs: 1_000 }), 'succeeded');
    expect(book.lastWaitMs).toBeCloseTo(5_000, -2);
    book.ended(run('b'), 'failed');
    expect(book.lastWaitMs).toBeCloseTo(5_000, -2);
    book.ended(run('c', { headers: { 'x-dispatcher-due': 9_500 } }), 'succeeded');
    expect(book.lastWaitMs).toBeCloseTo(500, -2);
  });
});

describe('the ends that are kept', () => {
  const entry = (uuid: string, argsBytes: number): EndedEntry => ({
    uuid, name: 'n', attempt: 1, queue: 'q', worker: 'w', state: 'succeeded', reason: undefined, error: undefined, mark: undefined, startedAt: 0, endedAt: 0, args: [], argsBytes, headers: undefined, log: [], sent: undefined,
  });

  it('lose the arguments of the oldest first, and never hold more bytes of them than they may', () => {
    const kept = new KeptEnds(4, 100);
    for (const [index, bytes] of [40, 40, 40, 90, 10, 10, 10].entries()) {
      kept.add(entry(`t${index}`, bytes));
      const held = [...kept.newestFirst()].filter(({ args }) => args !== undefined).reduce((sum, { argsBytes }) => sum + argsBytes, 0);
      expect(held).toBeLessThanOrEqual(100);
    }
    expect([...kept.newestFirst()].map(({ uuid, args }) => [uuid, args !== undefined])).toEqual([['t6', true], ['t5', true], ['t4', true], ['t3', false]]);
  });
});

describe('the book of runs', () => {
  it('keeps 1,000 ends, and failures for longer', () => {
    let now = 0;
    const book = new RunBook(() => (now += 10));
    const worker = book.of('w', 'q');
    worker.ended(run('bad'), 'retrying', undefined, new Error('no'));
    for (let index = 0; index < 1_100; index++) worker.ended(run(`t${index}`), 'succeeded');
    expect(uuids(book.ends.newestFirst())).toHaveLength(1_000);
    expect(uuids(book.ends.newestFirst())).not.toContain('bad');
    expect(uuids(book.failures.newestFirst())).toEqual(['bad']);
    for (let index = 0; index < 600; index++) worker.ended(run(`f${index}`), 'failed', 'failed', new Error('no'));
    expect(uuids(book.failures.newestFirst())).toHaveLength(500);
  });

  it('keeps no more successes of a second than anybody can look at, counts them all, and keeps whatever else ends', () => {
    let now = 5_000;
    const book = new RunBook(() => now);
    const worker = book.of('w', 'q');
    for (let index = 0; index < 3 * MOST_SUCCESSES_A_SECOND; index++) worker.ended(run(`t${index}`), 'succeeded');
    expect(uuids(book.ends.newestFirst())[0]).toBe(`t${MOST_SUCCESSES_A_SECOND - 1}`);
    for (let index = 0; index < 200; index++) worker.ended(run(`f${index}`), 'failed', 'failed', new Error('no'));
    expect(uuids(book.ends.newestFirst())[0]).toBe('f199');
    expect(uuids(book.failures.newestFirst())).toHaveLength(200);
    expect(worker.tally.totals).toMatchObject({ succeeded: 3 * MOST_SUCCESSES_A_SECOND, failed: 200 });
    now += 1_000;
    worker.ended(run('next'), 'succeeded');
    expect(uuids(book.ends.newestFirst())[0]).toBe('next');
  });

  it('keeps the log of a run as it was at its end, and no more of all logs than it may', () => {
    let now = 0;
    const book = new RunBook(() => (now += 1_000));
    const notes = new RunNotes();
    for (let line = 0; line < 50; line++) notes.add('log', 'x'.repeat(1_000));
    for (let index = 0; index < 900; index++) book.of('w', 'q').ended({ ...run(`t${index}`), notes }, 'succeeded');
    notes.add('log', 'too late');
    const logs = [...book.ends.newestFirst()].map(({ log }) => log);
    expect(logs[0]?.at(-1)?.text).not.toContain('too late');
    expect(logs.flat().reduce((sum, { text }) => sum + 2 * text.length, 0)).toBeLessThanOrEqual(5 * 1024 * 1024);
    expect([logs.length, logs[0]?.length, logs.at(-1)?.length]).toEqual([900, 50, 0]);
  });

  it('keeps no more of a text than the line that is a part of it', () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    collect();
    const before = process.memoryUsage().heapUsed;
    const notes = new RunNotes();
    for (let line = 0; line < 50; line++) notes.add('log', `${line}${'x'.repeat(1_000_000)}`.slice(0, 400));
    collect();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(20_000_000);
    expect(notes.lines).toHaveLength(50);
  });

  it('tells the queue of the worker, keeps no large arguments, and of headers only those of what did not succeed', () => {
    const book = new RunBook();
    book.of('w', 'q').ended(run('large', { bytes: MOST_ARGS_BYTES + 1, headers: { a: 1 } }), 'failed', 'failed', new Error('no'));
    book.of('w', 'q').ended(run('small', { bytes: MOST_ARGS_BYTES, headers: { a: 1 } }), 'succeeded');
    book.of('w', 'q').ended(run('many', { headers: { a: 'x'.repeat(5_000) } }), 'cancelled', 'by me');
    const [many, small, large] = [...book.ends.newestFirst()];
    expect([large?.args, small?.args?.length, many?.args?.length]).toEqual([undefined, 1, 1]);
    expect([large?.headers, small?.headers, many?.headers]).toEqual([{ a: 1 }, undefined, undefined]);
    expect([large?.queue, large?.argsBytes, many?.reason]).toEqual(['q', MOST_ARGS_BYTES + 1, 'by me']);
  });

  it('keeps errors within bounds, with the nearest cause', () => {
    const book = new RunBook();
    const error = Object.assign(new Error('m'.repeat(10_000), { cause: new Error('behind', { cause: new Error('far') }) }), { code: 'E1' });
    book.of('w', 'q').endedUnrun({ uuid: 'u', name: 'n', attempt: 3, queue: 'q', worker: 'w' }, 'failed', 'invalid-body', error);
    const [entry] = [...book.failures.newestFirst()];
    expect(entry?.error?.message).toHaveLength(2_000);
    expect(entry?.error).toMatchObject({ name: 'Error', code: 'E1', cause: { message: 'behind' } });
    expect(entry?.error?.cause?.cause).toBeUndefined();
    expect(entry).toMatchObject({ uuid: 'u', attempt: 3, reason: 'invalid-body', args: undefined });
  });

  it('counts by worker and by minute, and keeps the count of a worker that is made anew', () => {
    let now = 10 * MINUTE;
    const book = new RunBook(() => now);
    const worker = book.of('w', 'q');
    for (const end of ['succeeded', 'succeeded', 'failed', 'retrying', 'cancelled', 'expired', 'dropped'] as const) {
      worker.received();
      worker.ended(run('t', { tookMs: 5 }), end);
    }
    now += MINUTE;
    worker.received();
    expect(book.of('w', 'q')).toBe(worker);
    expect(worker.tally.totals).toEqual({ succeeded: 2, failed: 1, retried: 1, cancelled: 1 });
    const [first, second] = worker.minutes.list(now);
    expect(first).toMatchObject({ at: 10 * MINUTE, received: 7, succeeded: 2, failed: 1, retried: 1 });
    expect(first?.busyMs).toBeGreaterThanOrEqual(20);
    expect(second).toEqual({ at: 11 * MINUTE, received: 1, succeeded: 0, failed: 0, retried: 0, busyMs: 0 });
  });
});

describe('the minutes of a queue', () => {
  it('are the last 60, whatever happened before', () => {
    const minutes = new QueueMinutes();
    for (let minute = 100; minute < 200; minute++) minutes.received(minute * MINUTE);
    expect(minutes.list(199 * MINUTE).map(({ at }) => at / MINUTE)).toEqual(Array.from({ length: 60 }, (_, index) => 140 + index));
    expect(minutes.list(230 * MINUTE)).toHaveLength(29);
    expect(minutes.list(400 * MINUTE)).toEqual([]);
  });

  it('are added up over processes', () => {
    const minute = (at: number, received: number) => ({ at, received, succeeded: 1, failed: 0, retried: 0, busyMs: 2 });
    expect(mergedMinutes([[minute(1, 1), minute(2, 5)], [minute(2, 7)]])).toEqual([minute(1, 1), { at: 2, received: 12, succeeded: 2, failed: 0, retried: 0, busyMs: 4 }]);
  });
});

describe('a tally', () => {
  it('tells the rate over the last minute, or since the start', () => {
    const tally = new Tally();
    for (let index = 0; index < 120; index++) tally.ended(1_000_000, 'succeeded');
    expect(tally.rate(1_000_000, 0)).toBe(2);
    expect(tally.rate(1_000_000, 990_000)).toBe(12);
    expect(tally.rate(1_000_000 + 61_000, 0)).toBe(0);
  });
});

describe('a kind of task', () => {
  it('knows what is usual once it has seen enough, from the runs of the last hour', () => {
    const kind = new TaskKind('n');
    for (let index = 0; index < 19; index++) kind.ended(MINUTE, 'succeeded', 5);
    expect(kind.usualMs(MINUTE)).toBeUndefined();
    for (let index = 1; index <= 100; index++) kind.ended(MINUTE, 'succeeded', 100 * index);
    expect(kind.usualMs(MINUTE)).toBeGreaterThan(9_000);
    expect(kind.usualMs(MINUTE)).toBeLessThan(9_900);
    expect(kind.usualMs(121 * MINUTE)).toBeUndefined();
  });
});

describe('what became of tasks by their names', () => {
  it('has the most frequent first, and all names that are too many in one', () => {
    const book = new RunBook(() => MINUTE);
    const worker = book.of('w', 'q');
    for (let index = 0; index < 1_002; index++) worker.endedUnrun({ uuid: 'u', name: `n${index}`, attempt: 1, queue: 'q', worker: 'w' }, 'failed');
    worker.ended({ ...run('t'), name: 'n7' }, 'succeeded');
    const portions = book.portions(MINUTE, 0);
    expect(portions).toHaveLength(1_000);
    expect(portions[0]).toMatchObject({ totals: { failed: 3 }, durations: [] });
    expect(portions[0]?.name).toBeUndefined();
    expect(portions[1]).toMatchObject({ name: 'n7', totals: { succeeded: 1, failed: 1 }, lastEndedAt: MINUTE });
    expect(portions[1]?.durations).toHaveLength(2);
  });
});
