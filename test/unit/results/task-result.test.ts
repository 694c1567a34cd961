import { describe, expect, it } from 'vitest';
import { errorRecord } from '../../../lib/results/task-error-record.js';
import { advance, isFinal, MAX_TIMELINE, newTaskResult, withoutValue, type TaskResult, type TimelineEntry } from '../../../lib/results/task-result.js';

const start = newTaskResult('uuid-1', 'add');

function after(...entries: TimelineEntry[]): TaskResult {
  return entries.reduce((result, entry) => advance(result, [entry]), start);
}

describe('the record of a task', () => {
  it('follows a task to its end', () => {
    const result = advance(after(
      { state: 'published', at: 1 },
      { state: 'received', at: 2, worker: 'w', attempt: 1 },
      { state: 'started', at: 3, worker: 'w', attempt: 1 },
      { state: 'retrying', at: 4, worker: 'w', attempt: 1, delayMs: 100, error: { name: 'Error', message: 'no' } },
      { state: 'started', at: 5, worker: 'v', attempt: 2 },
    ), [{ state: 'succeeded', at: 6, worker: 'v', attempt: 2 }], { kind: 'value', value: 3n });
    expect(result).toMatchObject({ uuid: 'uuid-1', name: 'add', state: 'succeeded', attempt: 2, dropped: 0, outcome: { kind: 'value', value: 3n } });
    expect(result.timeline.map(({ state, at }) => `${state} ${at}`)).toEqual(['published 1', 'received 2', 'started 3', 'retrying 4', 'started 5', 'succeeded 6']);
  });

  it('keeps the first end, whatever a redelivery does', () => {
    const ended = advance(after({ state: 'started', at: 1, attempt: 1 }), [{ state: 'succeeded', at: 2, attempt: 1 }], { kind: 'value', value: 1 });
    for (const state of ['received', 'started', 'progress', 'failed', 'succeeded'] as const) {
      expect(advance(ended, [{ state, at: 9, attempt: 2 }])).toBe(ended);
    }
  });

  it('puts a late word of the publisher where it belongs', () => {
    const ended = after({ state: 'started', at: 2 }, { state: 'succeeded', at: 3 });
    const result = advance(ended, [{ state: 'published', at: 1 }]);
    expect(result.state).toBe('succeeded');
    expect(result.outcome).toEqual(ended.outcome);
    expect(result.timeline.map(({ state }) => state)).toEqual(['published', 'started', 'succeeded']);
  });

  it('is reopened by a replay', () => {
    const failed = after({ state: 'started', at: 1, attempt: 3 }, { state: 'failed', at: 2, attempt: 3, error: { name: 'E', message: 'm' } });
    const result = advance(failed, [{ state: 'published', at: 3, replayed: true }]);
    expect(result).toMatchObject({ state: 'published', attempt: 0 });
    expect(result.outcome).toBeUndefined();
    expect(result.timeline).toHaveLength(3);
  });

  it('has the error of its end as its outcome', () => {
    expect(after({ state: 'failed', at: 1, error: { name: 'E', message: 'm' } }).outcome).toEqual({ kind: 'error', error: { name: 'E', message: 'm' } });
    expect(after({ state: 'cancelled', at: 1 }).outcome).toMatchObject({ kind: 'error', error: { message: 'The task ended as "cancelled".' } });
  });

  it('keeps only the latest progress of an attempt', () => {
    const result = after(
      { state: 'started', at: 1, attempt: 1 }, { state: 'progress', at: 2, attempt: 1, fraction: 0.1 }, { state: 'progress', at: 3, attempt: 1, fraction: 0.2 },
      { state: 'progress', at: 4, attempt: 2, fraction: 0.05 });
    expect(result.timeline.map(({ fraction }) => fraction)).toEqual([undefined, 0.2, 0.05]);
  });

  it('stays bounded, and says how much it left out', () => {
    let result = start;
    for (let at = 0; at < 1000; at++) result = advance(result, [{ state: at % 2 === 0 ? 'started' : 'retrying', at, attempt: at }]);
    expect(result.timeline).toHaveLength(MAX_TIMELINE);
    expect(result.dropped).toBe(1000 - MAX_TIMELINE);
    expect(result.timeline[0]?.at).toBe(0);
    expect(result.timeline.at(-1)?.at).toBe(999);
  });

  it('can give up its value', () => {
    const result = withoutValue(advance(start, [{ state: 'succeeded', at: 1, data: 'x' }], { kind: 'value', value: 'big' }), 'too big');
    expect(result.outcome).toEqual({ kind: 'unstorable', problem: 'too big' });
    expect(result.state).toBe('succeeded');
    expect(result.timeline).toEqual([{ state: 'succeeded', at: 1 }]);
  });

  it('knows its ends', () => {
    expect((['succeeded', 'failed', 'timedOut', 'cancelled', 'expired'] as const).every(isFinal)).toBe(true);
    expect((['published', 'received', 'started', 'progress', 'retrying'] as const).some(isFinal)).toBe(false);
  });
});

describe('the record of an error', () => {
  it('has name, message, stack, code and causes', () => {
    const error = Object.assign(new TypeError('outer', { cause: new RangeError('inner') }), { code: 'E_OUTER' });
    const record = errorRecord(error);
    expect(record).toMatchObject({ name: 'TypeError', message: 'outer', code: 'E_OUTER', cause: { name: 'RangeError', message: 'inner' } });
    expect(record.stack).toContain('task-result.test');
  });

  it('has bounds', () => {
    const circle = new Error('x'.repeat(100_000));
    circle.cause = circle;
    circle.stack = 's'.repeat(100_000);
    expect(JSON.stringify(errorRecord(circle)).length).toBeLessThan(200_000);
  });

  it.each<[string, unknown, RegExp]>([
    ['a string', 'nope', /threw the string "nope"/], ['undefined', undefined, /threw undefined/],
    ['an error with hostile getters', Object.defineProperty(new Error('x'), 'message', { get() { throw new Error('ha'); } }), /cannot be read/],
  ])('takes %s', (_, thrown, text) => {
    expect(errorRecord(thrown).message).toMatch(text);
  });
});
