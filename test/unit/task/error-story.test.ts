import { describe, expect, it } from 'vitest';
import { errorRecord } from '../../../lib/results/task-error-record.js';
import { errorStory, placesOf } from '../../../lib/task/error-story.js';
import { errorTree, type ErrorTree } from '../../../lib/task/error-tree.js';
import { HOSTILE_VALUES } from '../../support/hostile-values.js';

function count({ cause, members }: ErrorTree): number {
  return 1 + (cause === undefined ? 0 : count(cause)) + members.reduce((sum, member) => sum + count(member), 0);
}

describe('what was behind an error', () => {
  it('is told in one text, causes and members', () => {
    const error = new Error('the order failed', { cause: new TypeError('the card was refused', { cause: 'a text' }) });
    expect(errorStory(error, 300)).toBe('Error: the order failed (caused by TypeError: the card was refused (caused by a text))');
    const many = new AggregateError(Array.from({ length: 12 }, (_, n) => new Error(`no ${n}`)), 'all failed', { cause: new Error('the root') });
    expect(errorStory(many, 300)).toBe(`AggregateError: all failed [${Array.from({ length: 10 }, (_, n) => `Error: no ${n}`).join('; ')}; and 2 more] (caused by Error: the root)`);
  });

  it('is not told twice where the wrapping text has it already', () => {
    const root = new Error('the root of it all');
    const inner = new Error('cannot connect to db', { cause: root });
    expect(errorStory(new Error(`publishing failed: ${inner.message}`, { cause: inner }), 300)).toBe('Error: publishing failed: cannot connect to db (caused by Error: the root of it all)');
  });

  it('has room beside a long text of the error itself, and a limit of its own', () => {
    const story = errorStory(new Error('m'.repeat(5_000), { cause: new Error('c'.repeat(5_000)) }), 300);
    expect(story).toMatch(/^Error: m{293} \(caused by Error: c+\.\.\.$/);
    expect(story).toHaveLength(600);
  });

  it('has places too, of those that are not ours', () => {
    const places = placesOf(new Error('outer', { cause: new TypeError('inner') }), 8_000);
    expect(places).toMatch(/^Error: outer\n[^]*error-story\.test[^]*\ncaused by: TypeError: inner\n[^]*error-story\.test/);
  });

  it('is recorded as a tree', () => {
    const error = new AggregateError([new RangeError('one'), new Error('two', { cause: new Error('deep') })], 'all failed', { cause: new Error('the root') });
    expect(errorRecord(error)).toMatchObject({
      name: 'AggregateError', message: 'all failed', cause: { message: 'the root' },
      errors: [{ name: 'RangeError', message: 'one' }, { message: 'two', cause: { message: 'deep' } }],
    });
  });

  it('is looked at within limits: depth, number, and nobody twice', () => {
    for (const make of Object.values(HOSTILE_VALUES)) expect(count(errorTree(make()))).toBeLessThanOrEqual(20);
    expect(errorTree(HOSTILE_VALUES['an aggregate of many']?.())).toMatchObject({ more: 9_990 });
    expect(count(errorTree(HOSTILE_VALUES['an aggregate of itself']?.()))).toBe(1);
    let chain = new Error('0');
    for (let n = 1; n < 10; n++) chain = new Error(String(n), { cause: chain });
    expect(errorStory(chain, 300)).toBe('Error: 9 (caused by Error: 8 (caused by Error: 7 (caused by Error: 6 (caused by Error: 5))))');
  });

  it('takes a bounded room in a record', () => {
    expect(JSON.stringify(errorRecord(HOSTILE_VALUES['a tree of huge aggregates']?.())).length).toBeLessThan(90_000);
  });
});
