import { describe, expect, it } from 'vitest';
import { type Failure, failureGroups, mergedGroups, withNotes } from '../../../lib/inspection/failure-groups.js';
import { failureId, frameText, markOf, markOfLetter, normalised, ownFrame } from '../../../lib/inspection/failure-mark.js';
import { ConfigurationError } from '../../../lib/errors.js';
import { errorStory, placesOf } from '../../../lib/task/error-story.js';
import type { EndedTaskInfo } from '../../../lib/inspection/model.js';

function failure(message: string, more: Partial<EndedTaskInfo> = {}, stack?: string): Failure {
  const told: EndedTaskInfo = {
    process: 'p', host: 'h', pid: 1, worker: 'w', queue: 'q', uuid: 'u', name: 'charge', attempt: 1, state: 'failed', startedAt: 1, endedAt: 2, durationMs: 1, argsBytes: 0, log: [],
    error: { name: 'Error', message, ...(stack === undefined ? {} : { stack }) }, ...more,
  };
  return { told, mark: markOfLetter({ error: `${told.error?.name}: ${told.error?.message}`, ...(stack === undefined ? {} : { stack }) })! };
}

describe('failures of one kind', () => {
  it.each([
    ['customer 42 has no card', 'customer 17 has no card'],
    ['no such file "a.txt"', 'no such file "b c.txt"'],
    ["Cannot read properties of undefined (reading 'x')", "Cannot read properties of undefined (reading 'y')"],
    ['order 6f1c1f9e-1111-4222-8333-444455556666 is gone', 'order 00000000-aaaa-4bbb-8ccc-ddddeeeeffff is gone'],
    ['connect ECONNREFUSED 127.0.0.1:5672', 'connect ECONNREFUSED 10.1.2.3:80'],
    ['at 0xdeadbeef', 'at 0x1'],
    ['hash 0123456789abcdef0123', 'hash fedcba9876543210ffff'],
  ])('have one text: %s', (one, other) => {
    expect(normalised(one)).toBe(normalised(other));
    expect(failureGroups([failure(one), failure(other)], '/app')).toHaveLength(1);
  });

  it('are told apart by name, error, text and place', () => {
    const groups = failureGroups([
      failure('a'), failure('b'), failure('a', { name: 'refund' }), failure('a', { error: { name: 'TypeError', message: 'a' } }),
      failure('a', {}, 'Error: a\n    at Charges.run (/app/src/charges.js:10:5)'), failure('a', {}, 'Error: a\n    at Refunds.run (/app/src/refunds.js:10:5)'),
    ], '/app');
    expect(groups).toHaveLength(6);
    expect(new Set(groups.map(({ id }) => id)).size).toBe(6);
  });

  it('stay the same when lines move, and have the place of the newest', () => {
    const at = (line: number): string => `Error: a\n    at async Charges.run (/app/src/charges.js:${line}:5)`;
    const [group, ...more] = failureGroups([failure('a', { endedAt: 9 }, at(12)), failure('a', { endedAt: 3, state: 'retrying', queue: 'other' }, at(10))], '/app');
    expect(more).toEqual([]);
    expect(group).toMatchObject({ count: 2, dead: 1, firstAt: 3, lastAt: 9, queues: ['q', 'other'], error: { frame: 'Charges.run (src/charges.js:12)' }, example: { endedAt: 9 } });
  });

  it('are merged over processes, the latest first', () => {
    const first = failureGroups([failure('a 1', { endedAt: 5 })], '/app');
    const second = failureGroups([failure('a 2', { endedAt: 7, queue: 'z' }), failure('b', { endedAt: 6 })], '/app');
    expect(mergedGroups([...first, ...second]).map(({ error, count, lastAt }) => [error.message, count, lastAt])).toEqual([['a <number>', 2, 7], ['b', 1, 6]]);
  });
});

describe('a failure and its dead letter', () => {
  class Charges {
    run(message: string, cause?: Error): Error { return new TypeError(message, { cause }); }
  }

  it.each([
    ['a plain error', () => new Charges().run('customer 42 has no card')],
    ['one with a cause', () => new Charges().run('it failed', new Error('connect ECONNREFUSED 10.0.0.1:5672'))],
    ['one that says (caused by', () => new Charges().run('it (caused by Error: x) failed: "a"')],
    ['one of ours, which has no place', () => new ConfigurationError('wrong')],
    ['several', () => new AggregateError([new Error('a'), new RangeError('b')], 'two')],
    ['a long one', () => new Charges().run('x'.repeat(1_990) + '"quoted text that is cut'.repeat(50))],
    ['no error', () => 'a text'],
    ['nothing', () => null],
  ])('are of one kind: %s', (_what, make) => {
    const error: unknown = make();
    const places = placesOf(error, 8_000);
    const letter = { error: errorStory(error, 2_000), ...(places === undefined ? {} : { stack: places }) };
    expect(failureId('charge', markOfLetter(letter)!)).toBe(failureId('charge', markOf(error)));
  });

  it('are of one kind in every folder, and on other lines, and of none without an error', () => {
    const id = (stack: string): string => failureId('charge', markOfLetter({ error: 'Error: a', stack })!);
    expect(id('Error: a\n at run (/app/src/charges.js:10:5)')).toBe(id('Error: a\n at async run (file:///srv/v2/dist/charges.js:99:1)'));
    expect(id('Error: a\n at run (/app/src/charges.js:10:5)')).not.toBe(id('Error: a\n at run (/app/src/refunds.js:10:5)'));
    expect(markOfLetter({ stack: 'Error' })).toBeUndefined();
  });

  it('have the note of their kind', () => {
    const groups = failureGroups([failure('a'), failure('b')], '/app');
    const note = { text: 'known', by: 'ann', at: 1 };
    expect(withNotes(groups, new Map([[groups[1]!.id, note]])).map((group) => group.note)).toEqual([undefined, note]);
  });
});

describe('the place of a failure', () => {
  it.each([
    ['    at node:internal/x:1:1\n    at fn (/app/node_modules/pg/index.js:1:1)\n    at new Own (file:///app/src/own.js:3:7)', 'new Own (src/own.js:3)'],
    ['    at /app/src/a.js:5:1', 'src/a.js:5'],
    ['    at Array.map (<anonymous>)\n    at C:\\app\\b.js:5:1', 'C:\\app\\b.js:5'],
    ['    at fn (/elsewhere/c.js:5:1)', 'fn (/elsewhere/c.js:5)'],
    ['    at fn (/app/node_modules/pg/index.js:1:1)', undefined],
    ['nonsense', undefined],
  ])('is the topmost line of own code: %s', (stack, frame) => {
    const found = ownFrame(`Error: message\n${stack}`);
    expect(found && frameText(found, '/app')).toBe(frame);
  });
});
