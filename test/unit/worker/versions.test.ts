import { describe, expect, it } from 'vitest';
import { InvalidArgumentsError } from '../../../lib/errors.js';
import type { Handler, TaskUpgrades } from '../../../lib/worker/handler.js';
import { asFamily, familyOf, handlerOfVersion, mapFamily, takenName, upgradedArguments, versionsTaken } from '../../../lib/worker/versions.js';

const handler = (version?: number, upgrade?: TaskUpgrades): Handler => ({ name: 'resize', run: () => undefined, ...version === undefined ? {} : { version }, ...upgrade === undefined ? {} : { upgrade } });
const pass = (args: readonly unknown[]): readonly unknown[] => args;

describe('handlers of several versions', () => {
  const [one, two, three] = [handler(), handler(2), handler(3, { 1: pass, 2: pass })];

  it('are a family, of which the newest stands for all', () => {
    const family = asFamily([one, three, two]);
    expect(familyOf(family).map(({ version = 1 }) => version)).toEqual([3, 2, 1]);
    expect(asFamily([two])).toBe(two);
    expect(familyOf(mapFamily(family, (each) => ({ ...each, origin: 'x' }))).map(({ origin }) => origin)).toEqual(['x', 'x', 'x']);
  });

  it.each<[string, Handler | undefined, number, number | undefined]>([
    ['its own', asFamily([one, two, three]), 2, 2], ['the newest', asFamily([one, two, three]), 3, 3], ['the first', asFamily([one, two, three]), 1, 1],
    ['one that upgrades', asFamily([three]), 1, 3], ['its own before an upgrade', asFamily([three, two]), 2, 2], ['the newest that upgrades', asFamily([handler(2, { 1: pass }), handler(4), three]), 1, 3],
    ['none', asFamily([two, three]), 4, undefined], ['none without an upgrade', two, 1, undefined], ['none of what is no version', asFamily([one, three]), 0, undefined], ['none of nobody', undefined, 1, undefined],
    ['without versions', one, 1, 1],
  ])('%s', (_what, family, version, chosen) => {
    const found = handlerOfVersion(family, version);
    expect(found && (found.version ?? 1)).toBe(chosen);
  });

  it('are told by what they take', () => {
    expect(versionsTaken(asFamily([two, three]))).toEqual([3, 1, 2]);
    expect(takenName('resize', 1)).toBe('resize');
    expect(takenName('resize', 2)).not.toBe(takenName('resize', 3));
  });
});

describe('an upgrade', () => {
  const upgraded = (upgrade: unknown, args = [{ type: 'int' as const, value: 5 }]): unknown => upgradedArguments(handler(2, { 1: upgrade } as TaskUpgrades), 1, args);
  const error = (upgrade: unknown): InvalidArgumentsError => {
    try {
      upgraded(upgrade);
    } catch (thrown) {
      return thrown as InvalidArgumentsError;
    }
    throw new Error('it was taken');
  };

  it('makes arguments of arguments, with the types that they imply', () => {
    expect(upgraded(([width]: number[]) => [{ width }, 5n, new Date(0)])).toEqual([{ type: 'json', value: { width: 5 } }, { type: 'int64', value: 5n }, { type: 'string', value: '1970-01-01T00:00:00.000Z' }]);
    expect(upgraded(() => [])).toEqual([]);
  });

  it.each<[string, unknown, RegExp]>([
    ['throws', () => { throw new TypeError('no width'); }, /the upgrade from version 1 to 2 threw: TypeError: no width/],
    ['throws what is no error', () => Promise.reject as unknown, /must give a list/],
    ['gives no list', () => ({ width: 5 }), /must give a list of arguments; it gave an? /],
    ['gives nothing', () => undefined, /it gave undefined/],
    ['gives a promise', async () => Promise.reject(new Error('too late')), /must give a list/],
    ['gives a function', () => [() => 1], /gave what cannot be an argument: .*function/],
    ['gives a gap', () => [undefined, 1], /Argument 1 is undefined/],
    ['is none', undefined, /it gave undefined/],
  ])('that %s refuses the arguments', (_what, upgrade, message) => {
    expect(error(upgrade)).toBeInstanceOf(InvalidArgumentsError);
    expect(error(upgrade).message).toMatch(message);
    expect(error(upgrade).issues).toHaveLength(1);
  });
});
