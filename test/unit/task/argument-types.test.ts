import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inferType, problemWith, SCALAR_TYPES, toHandlerValue, type ArgumentType } from '../../../lib/task/argument-types.js';

const I64 = 2n ** 63n;

describe('problemWith', () => {
  it.each<[ArgumentType, unknown[]]>([
    ['bool', [true, false]],
    ['string', ['', 'a', '\u0000', '😀']],
    ['int8', [-128, 127, 0, 5n]],
    ['int16', [-32768, 32767]],
    ['int32', [-(2 ** 31), 2 ** 31 - 1]],
    ['int', [0, -1, Number.MAX_SAFE_INTEGER, -I64, I64 - 1n]],
    ['int64', [0, -I64, I64 - 1n, Number.MIN_SAFE_INTEGER]],
    ['uint8', [0, 255]],
    ['uint16', [0, 65535]],
    ['uint32', [0, 2 ** 32 - 1]],
    ['uint', [0, 2n ** 64n - 1n]],
    ['uint64', [0, 2n ** 64n - 1n]],
    ['float32', [0, 0.1, -3.4028234663852886e38, 3.4028235e38, -3.4028235e38, 3.4028235677973362e38, 1e-45]],
    ['float64', [0, -0, Number.MAX_VALUE, Number.MIN_VALUE, 5]],
    ['[]int8', [[], [1, -128]]],
    ['[]string', [['a', '']]],
    ['json', [null, 1, 'a', true, [], {}, { a: [{ b: null }] }, { optional: undefined }, { constructor: 'x', prototype: {} }, { constructor: { name: 'a' } }, 2n ** 70n, Object.create(null)]],
  ])('%s takes its values', (type, values) => {
    for (const value of values) expect(problemWith(type, value)).toBeUndefined();
  });

  it.each<[ArgumentType, unknown[]]>([
    ['bool', [0, 'true', null, undefined]],
    ['string', [1, null, undefined, {}, Buffer.from('a')]],
    ['int8', [-129, 128, 1.5, '1', NaN, Infinity, null, 128n, true]],
    ['int16', [-32769, 32768]],
    ['int32', [2 ** 31, -(2 ** 31) - 1]],
    ['int', [2 ** 53, 1e30, I64, 0.5]],
    ['int64', [2 ** 53, I64, -I64 - 1n, '1']],
    ['uint8', [-1, 256]],
    ['uint16', [-1, 65536]],
    ['uint32', [-1, 2 ** 32]],
    ['uint', [-1, 2n ** 64n]],
    ['uint64', [-1n, 2n ** 64n]],
    ['float32', [3.5e38, -3.5e38, 3.4028235677973366e38, NaN, Infinity, 1n]],
    ['float64', [NaN, Infinity, '1', 1n]],
    ['[]int8', [[128], 'a', null, [null], { length: 0 }]],
    ['json', [undefined, NaN, new Date(0), new Map(), () => 1, [undefined], { a: Symbol('x') }, JSON.parse('{"__proto__":1}'), { constructor: { prototype: 1 } }, [{ a: { constructor: { prototype: undefined } } }]]],
    ['date' as ArgumentType, ['x']],
    ['[]json' as ArgumentType, [[]]],
    ['constructor' as ArgumentType, [1]],
  ])('%s refuses what is not', (type, values) => {
    for (const value of values) expect(problemWith(type, value)).toMatch(/expected|unknown argument type|not allowed/);
  });

  it('refuses a circle and extreme nesting with words, not with a stack overflow', () => {
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    expect(problemWith('json', circle)).toMatch(/circle/);
    let deep: unknown = 1;
    for (let i = 0; i < 100_000; i++) deep = [deep];
    expect(problemWith('json', deep)).toMatch(/nested deeper than 512/);
  });

  it('never shows megabytes of a value', () => {
    expect(problemWith('int', 'x'.repeat(1e6))?.length).toBeLessThan(200);
  });
});

describe('toHandlerValue', () => {
  it('makes every int64 and uint64 a bigint and leaves the rest', () => {
    expect(toHandlerValue('int64', 5)).toBe(5n);
    expect(toHandlerValue('uint64', 5n)).toBe(5n);
    expect(toHandlerValue('[]int64', [1, 2n])).toEqual([1n, 2n]);
    expect(toHandlerValue('int', 5)).toBe(5);
    expect(toHandlerValue('int', I64 - 1n)).toBe(I64 - 1n);
  });
});

describe('inferType', () => {
  it.each([
    ['a', 'string'], [true, 'bool'], [1, 'int'], [-1, 'int'], [1.5, 'float64'], [2 ** 60, 'float64'], [-0, 'float64'],
    [1n, 'int64'], [2n ** 64n - 1n, 'uint64'], [null, 'json'], [[1], 'json'], [{ a: 1 }, 'json'],
  ])('%s is %s', (value, type) => {
    expect(inferType(value)).toBe(type);
  });

  it.each([undefined, Symbol('x'), () => 1])('has no type for what cannot travel', (value) => {
    expect(() => inferType(value)).toThrow(/cannot be an argument/);
  });
});

it('knows exactly the fourteen types of gofort', () => {
  expect([...SCALAR_TYPES].sort()).toEqual(
    ['bool', 'float32', 'float64', 'int', 'int16', 'int32', 'int64', 'int8', 'string', 'uint', 'uint16', 'uint32', 'uint64', 'uint8']);
});

it('takes as a float32 what 32 bits hold once it is rounded, both signs, as Go writes it too', () => {
  fc.assert(fc.property(fc.double({ noNaN: true }), (value) => {
    for (const signed of [value, -value]) {
      expect(problemWith('float32', signed) === undefined).toBe(Number.isFinite(Math.fround(signed)));
    }
  }));
  // Go writes the shortest decimal that is read back as the same 32 bits: nine digits always do.
  fc.assert(fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
    for (const signed of [value, -value]) expect(problemWith('float32', Number(signed.toPrecision(9)))).toBeUndefined();
  }), { examples: [[3.4028234663852886e38]] });
});
