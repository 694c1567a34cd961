import { describe, expect, it } from 'vitest';
import { complete } from '../../../lib/cli/completion/complete.js';
import { UsageError } from '../../../lib/cli/failures.js';
import { count, instant, seconds } from '../../../lib/cli/options.js';
import { taskArgument, taskArguments } from '../../../lib/cli/task-arguments.js';
import { VERBS } from '../../../lib/cli/verbs.js';

describe('arguments of a task on the command line', () => {
  it.each([
    ['1', { type: 'int', value: 1 }], ['1.5', { type: 'float64', value: 1.5 }], ['true', { type: 'bool', value: true }], ['Ada', { type: 'string', value: 'Ada' }],
    ['"1"', { type: 'string', value: '1' }], ['string:1', { type: 'string', value: '1' }], ['int64:1', { type: 'int64', value: 1 }],
    ['9007199254740993', { type: 'int64', value: 9007199254740993n }], ['18446744073709551615', { type: 'uint64', value: 18446744073709551615n }],
    ['{"a":9007199254740993}', { type: 'json', value: { a: 9007199254740993n } }], ['json:5', { type: 'json', value: 5 }], ['[]int:[1,2]', { type: '[]int', value: [1, 2] }],
    ['http://x', { type: 'string', value: 'http://x' }], ['null', { type: 'json', value: null }], ['', { type: 'string', value: '' }],
  ])('%s', (text, argument) => {
    expect(taskArgument(text)).toEqual(argument);
  });

  it('are a list for a dead letter, typed or not', () => {
    expect(taskArguments('[{"type":"int64","value":9007199254740993}]')).toEqual([{ type: 'int64', value: 9007199254740993n }]);
    expect(taskArguments('[1, "a"]')).toEqual([{ type: 'int', value: 1 }, { type: 'string', value: 'a' }]);
  });

  it.each([() => taskArgument('int:x'), () => taskArguments('{'), () => taskArguments('{}')])('are refused where they cannot be read', (read) => {
    expect(read).toThrow(UsageError);
  });
});

describe('values of options', () => {
  it('are durations in any unit', () => {
    expect(['90', '90s', '1.5m', '2h', '7d', '250ms'].map(seconds)).toEqual([90, 90, 90, 7200, 604_800, 0.25]);
    for (const text of ['', '-1', '1w', 'x']) expect(() => seconds(text)).toThrow(UsageError);
  });

  it('are counts', () => {
    expect(count('12')).toBe(12);
    for (const text of ['-1', '1.5', '', '1e3', '99999999999999999']) expect(() => count(text)).toThrow(UsageError);
  });

  it('are instants, or how long ago', () => {
    expect(instant('2026-05-01T12:00:00Z').getTime()).toBe(Date.UTC(2026, 4, 1, 12));
    const before = Date.now();
    const twoHoursAgo = instant('2h').getTime() + 7_200_000;
    expect(twoHoursAgo).toBeGreaterThanOrEqual(before);
    expect(twoHoursAgo).toBeLessThanOrEqual(Date.now());
    for (const text of ['yesterday', '5', '2026-99-99']) expect(() => instant(text)).toThrow(UsageError);
  });
});

describe('completion', () => {
  const words = (...typed: string[]): string[] => complete(VERBS, typed);

  it('offers verbs, and once those that have families', () => {
    expect(words('')).toEqual(expect.arrayContaining(['send', 'dead', 'help']));
    expect(words('de')).toEqual(['dead', 'delayed']);
    expect(words('dea')).toEqual(['dead']);
    expect(words('dead', 'd')).toEqual(['discard']);
    expect(words('dead', '')).toEqual(expect.arrayContaining(['list', 'replay']));
  });

  it('offers options of the verb and those of all', () => {
    expect(words('purge', 'q', '--')).toEqual(expect.arrayContaining(['--yes', '--dry-run', '--broker', '--json']));
    expect(words('--j')).toEqual(['--json']);
    expect(words('purge', '--y')).toEqual(['--yes']);
  });

  it('offers what an argument or option may be, behind other options too', () => {
    expect(words('pause', '')).toEqual(['queue', 'task', 'worker']);
    expect(words('--broker', 'amqp://x/', 'pause', 'q')).toEqual(['queue']);
    expect(words('send', 'x', '--priority', 'h')).toEqual(['high']);
    expect(words('--config', '')).toContain('dispatcher.config.json');
  });

  it('offers nothing where it knows nothing', () => {
    expect(words('purge', '')).toEqual([]);
    expect(words('nothing', '')).toEqual([]);
  });
});
