import { describe, expect, it } from 'vitest';
import type { TickEnd } from '../../../lib/inspection/asking/messages.js';
import { RunBook } from '../../../lib/inspection/book/run-book.js';
import { TickBook } from '../../../lib/inspection/book/tick-book.js';
import { tasksOfFirings, withOutcomes } from '../../../lib/inspection/schedules-report.js';
import type { ScheduleFiring, ScheduleInfo } from '../../../lib/schedules/schedule.js';
import { Header } from '../../../lib/task/headers.js';
import type { TaskHeaders } from '../../../lib/task/task.js';
import type { ObservedRun } from '../../../lib/worker/run-observer.js';

function end(uuid: string, state: TickEnd['state'], at: number): TickEnd {
  return { uuid, state, at, attempt: 1 };
}

function schedule(name: string, firings: readonly ScheduleFiring[]): ScheduleInfo {
  return { name, source: 'runtime', cron: '@daily', missed: 'skip', task: 'n', nextTicks: [], firings };
}

function firing(tick: number, uuid?: string): ScheduleFiring {
  return { tick: new Date(tick), by: 'h:1', ...(uuid === undefined ? { error: 'no queue' } : { uuid }) };
}

function run(uuid: string, headers: TaskHeaders): ObservedRun {
  return { uuid, name: 'n', attempt: 2, queue: 'q', worker: 'w', startedAt: performance.now(), headers, notes: undefined, task: { args: [] }, delivery: { body: { length: 1 } } };
}

describe('what is remembered of the tasks of schedules', () => {
  it('is how each ended last, the last 1,000', () => {
    const book = new TickBook();
    book.add(end('again', 'retrying', 1));
    for (let index = 0; index < 999; index++) book.add(end(`u${index}`, 'succeeded', index));
    book.add(end('again', 'failed', 2));
    book.add(end('one more', 'succeeded', 3));
    expect(book.of(new Set(['again', 'u0', 'u1', 'one more', 'unknown'])).map(({ uuid, state }) => `${uuid} ${state}`)).toEqual(['u1 succeeded', 'again failed', 'one more succeeded']);
  });

  it('is kept however many others end, and not of deliveries too many', () => {
    const book = new RunBook(() => 5);
    const worker = book.of('w', 'q');
    worker.ended(run('tick', { [Header.schedule]: 'nightly' }), 'failed', 'failed', new TypeError('no account'));
    worker.ended(run('tick', { [Header.schedule]: 'nightly' }), 'dropped');
    for (let index = 0; index < 5_000; index++) worker.ended(run(`t${index}`, {}), 'succeeded');
    expect(book.ticks.of(new Set(['tick', 't4999']))).toEqual([{ uuid: 'tick', state: 'failed', at: 5, attempt: 2, error: 'TypeError: no account' }]);
  });
});

describe('the report on schedules', () => {
  it('asks about the latest firings of all, and no more than 1,000', () => {
    const many = Array.from({ length: 200 }, (_, index) => schedule(`s${index}`, Array.from({ length: 10 }, (_each, at) => firing(10 * index + at, `u${10 * index + at}`))));
    const uuids = tasksOfFirings([...many, schedule('broken', [firing(9_999)])]);
    expect([uuids.length, uuids[0], uuids.at(-1)]).toEqual([1_000, 'u1999', 'u1000']);
  });

  it('has of each what runs now, or what happened last, and nothing of what nobody knows', () => {
    const [told] = withOutcomes([schedule('s', [firing(4), firing(3, 'a'), firing(2, 'b'), firing(1, 'c')])], [
      end('a', 'retrying', 9), end('a', 'running', 1), end('b', 'failed', 5), { ...end('b', 'retrying', 4), error: 'no' }, end('b', 'succeeded', 6),
    ]);
    expect(told?.firings.map(({ outcome }) => outcome?.state)).toEqual([undefined, 'running', 'succeeded', undefined]);
    expect(told?.firings[2]?.outcome).toEqual({ state: 'succeeded', at: new Date(6), attempt: 1 });
  });
});
