import { describe, expect, it } from 'vitest';
import { checkList, peekOf, timeoutOf } from '../../../lib/inspection/inspect-options.js';
import type { EndedTaskInfo, TaskFilter } from '../../../lib/inspection/model.js';
import { checkTaskFilter, matches } from '../../../lib/inspection/task-filter.js';
import { matchesName } from '../../../lib/task/name-pattern.js';

const ended: EndedTaskInfo = {
  process: 'p', host: 'h', pid: 1, worker: 'w', queue: 'q', uuid: 'u', name: 'mail.send', attempt: 1, state: 'failed', reason: 'timed-out', startedAt: 10, endedAt: 20, durationMs: 10, argsBytes: 5, log: [],
  error: { name: 'TypeError', message: 'No Card' },
  args: [{ type: 'json', value: { customer: { id: 42, tags: ['a', 'b'], none: null } } }, { type: 'int64', value: 9007199254740993n }],
};

describe('a filter of tasks', () => {
  it.each<[TaskFilter, boolean]>([
    [{}, true], [{ uuid: 'u' }, true], [{ uuid: 'v' }, false], [{ name: 'mail.send' }, true], [{ name: 'mail.*' }, true], [{ name: 'mail' }, false],
    [{ queue: 'q', worker: 'w', process: 'p' }, true], [{ queue: 'q', worker: 'x' }, false], [{ process: 'x' }, false],
    [{ state: 'failed' }, true], [{ state: ['succeeded', 'failed'] }, true], [{ state: 'succeeded' }, false],
    [{ since: 20, until: 21 }, true], [{ since: 21 }, false], [{ until: 20 }, false],
    [{ error: 'no card' }, true], [{ error: 'typeerror' }, true], [{ error: 'timed-out' }, true], [{ error: 'other' }, false],
    [{ args: { '0.customer.id': 42 } }, true], [{ args: { 'args.0.customer.id': 42 } }, true], [{ args: { '0.customer.id': '42' } }, false], [{ args: { '0.customer.tags.1': 'b' } }, true],
    [{ args: { '0.customer.none': null } }, true], [{ args: { '0.customer.missing.deep': 1 } }, false], [{ args: { '0.customer.constructor': 1 } }, false],
    [{ args: { 1: '9007199254740993' } }, true], [{ args: { 1: 9007199254740992 } }, false], [{ args: { 7: 1 } }, false],
  ])('%j: %s', (filter, fits) => {
    expect(matches(checkTaskFilter(filter), ended)).toBe(fits);
  });

  it.each<[string, string, boolean]>([
    ['*', '', true], ['*', 'a', true], ['a*', 'abc', true], ['*c', 'abc', true], ['a*c', 'abc', true], ['a*b*c', 'aXbYc', true], ['a*b*c', 'acb', false], ['ab*ba', 'aba', false], ['a*b*b', 'ab', false], ['a.c', 'abc', false],
  ])('names by pattern %s: %s', (pattern, name, fits) => {
    expect(matchesName(pattern, name)).toBe(fits);
  });

  it('matches no name that takes forever', () => {
    const begun = performance.now();
    matchesName(`${'*a'.repeat(500)}b`, 'a'.repeat(5_000));
    expect(performance.now() - begun).toBeLessThan(1_000);
  });

  it.each([
    [{ colour: 'red' }, 'colour'], [{ name: 5 }, 'name'], [{ since: 'yesterday' }, 'since'], [{ args: 'x' }, 'args'], ['x', 'object'], [[], 'object'],
  ])('refuses what is none: %j', (filter, text) => {
    expect(() => checkTaskFilter(filter as TaskFilter)).toThrow(text);
  });

  it('has options with bounds', () => {
    expect(checkList({ name: 'a', before: 10, until: 20, limit: 5 })).toEqual({ filter: { name: 'a', until: 10 }, limit: 5 });
    expect(checkList(undefined)).toEqual({ filter: {}, limit: 200 });
    expect([timeoutOf(undefined), timeoutOf({ timeoutMs: 50 }), peekOf(undefined), peekOf({ peek: 0 })]).toEqual([1_000, 50, undefined, 0]);
    for (const call of [() => checkList({ limit: 0 }), () => checkList({ limit: 5_000 }), () => timeoutOf({ timeoutMs: 1 }), () => timeoutOf({ timeoutMs: Infinity }), () => peekOf({ peek: -1 })]) {
      expect(call).toThrow(/whole number/);
    }
  });
});
