import { describe, expect, it } from 'vitest';
import { argumentKeyProblem, type ArgumentKey } from '../../../lib/task/argument-key.js';
import { keyOfArguments } from '../../../lib/task/argument-path.js';

const ARGS = [{ account: 'a', id: 7n, deep: { flag: false, none: null }, '0': 'zero' }, 5, { id: 'second' }, 'text'];
const keyOf = (key: ArgumentKey): string | undefined => keyOfArguments(key, ARGS, { task: 'x', option: 'batch.by' });

describe('the key of arguments', () => {
  it.each<[ArgumentKey, string | undefined]>([
    ['account', 'a'], ['id', '7'], ['deep.flag', 'false'], ['deep.none', undefined], ['deep.missing.further', undefined], ['0.account', 'a'], ['0.0', 'zero'], ['1', '5'], ['2.id', 'second'],
    ['9', undefined], ['toString', undefined], ['constructor.name', undefined], ['3', 'text'], ['3.length', undefined], [([, second]) => second as number, '5'], [() => undefined, undefined],
  ])('of %s is %s', (key, expected) => {
    expect(keyOf(key)).toBe(expected);
  });

  it.each<[ArgumentKey, RegExp]>([
    ['deep', /batch\.by "deep" leads to .*a key is a text, a number, true or false/], ['0', /leads to/], [(() => ({})) as never, /batch\.by gives/],
  ])('is refused where it is none: %s', (key, text) => {
    expect(() => keyOf(key)).toThrow(text);
    expect(() => keyOf(key)).toThrow(expect.objectContaining({ code: 'ERR_DISPATCHER_INVALID_ARGUMENTS' }) as Error);
  });

  it('is what a function says, or throws', () => {
    expect(() => keyOf(() => { throw new RangeError('mine'); })).toThrow(RangeError);
  });

  it.each([['account', true], ['1.id', true], [() => 'x', true], ['', false], ['a..b', false], ['.a', false], [5, false], [undefined, false], [async () => Promise.resolve('x'), false]])('may be said as %s: %s', (key, may) => {
    expect(argumentKeyProblem(key) === undefined).toBe(may);
  });
});
