import { describe, expect, it } from 'vitest';
import { completeTask } from '../../../lib/task/complete-task.js';
import { Header } from '../../../lib/task/headers.js';
import type { TaskArgument, TaskInput } from '../../../lib/task/task.js';
import { canonical, uniqueMarkOf } from '../../../lib/task/unique.js';
import type { UniqueOptions } from '../../../lib/task/unique-options.js';

const DEFAULTS = { routingKey: 'key', newUuid: () => 'made', now: () => 0, uniqueKey: (name: string, text: string) => `${name}|${text}` };

const keyOf = (unique: UniqueOptions, args: TaskArgument[] = []): string | undefined => completeTask({ name: 'a', args, unique }, DEFAULTS).unique?.key;

describe('the key of a unique task', () => {
  it('is its arguments, whatever the order of their properties', () => {
    const json = (value: unknown): TaskArgument[] => [{ type: 'json', value }, { type: 'int', value: 1 }];
    const options: UniqueOptions = { scope: 'untilFinished' };
    expect(keyOf(options, json({ b: [1, { d: 2, c: undefined }], a: 'x' }))).toBe(keyOf(options, json({ a: 'x', b: [1, { d: 2 }] })));
    expect(keyOf(options, json({ a: 'x' }))).not.toBe(keyOf(options, json({ a: 'y' })));
    expect(keyOf(options, json([1, 2]))).not.toBe(keyOf(options, json([2, 1])));
    expect(canonical([10n, '10', null, true])).toBe('[10,"10",null,true]');
  });

  it('is a text, or what a function makes of the arguments, and never mixed up with arguments', () => {
    const args: TaskArgument[] = [{ type: 'int', value: 7 }];
    expect(keyOf({ scope: 'untilStarted', key: 'x' }, args)).toBe('a|key:x');
    expect(keyOf({ scope: 'untilStarted', key: ([id]) => `order ${String(id)}` }, args)).toBe('a|key:order 7');
    expect(keyOf({ scope: 'untilStarted', key: '[7]' }, args)).not.toBe(keyOf({ scope: 'untilStarted' }, args));
  });

  it('travels with what frees it, and is not there where it is not asked for', () => {
    const { headers } = completeTask({ name: 'a', unique: { scope: 'window', seconds: 5, key: 'x', replaceArguments: true } }, DEFAULTS);
    expect(uniqueMarkOf(headers ?? {})).toEqual({ key: 'a|key:x', scope: 'window', seconds: 5, token: 'made', replace: true });
    expect(completeTask({ name: 'a', unique: false }, DEFAULTS)).toEqual({ uuid: 'made', name: 'a', args: [], routingKey: 'key' });
    expect(uniqueMarkOf({ [Header.unique]: '{"key":5}' })).toBeUndefined();
    expect(uniqueMarkOf({ [Header.unique]: 'no json' })).toBeUndefined();
  });

  it.each([
    [{}, /scope must be one of/], [{ scope: 'forever' }, /scope/], [{ scope: 'window' }, /seconds is required/], [{ scope: 'untilStarted', seconds: 0 }, /seconds/],
    [{ scope: 'untilStarted', key: '' }, /key/], [{ scope: 'untilStarted', kye: 'x' }, /no option "kye"/], [true, /must be an object/],
    [{ scope: 'untilStarted', key: () => 5 }, /must return a text/], [{ scope: 'untilStarted', key: () => { throw new Error('oh'); } }, /threw: Error: oh/],
    [{ scope: 'untilStarted', replaceArguments: 'yes' }, /replaceArguments/],
  ])('refuses %j', (unique, text) => {
    expect(() => completeTask({ name: 'a', unique } as TaskInput, DEFAULTS)).toThrow(text);
  });
});
