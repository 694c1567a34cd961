import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeValue, encodeValue } from '../../../lib/results/result-value.js';

function roundTrip(value: unknown): unknown {
  const encoded = encodeValue(value);
  if ('problem' in encoded) throw new Error(encoded.problem);
  return decodeValue(encoded.text);
}

function problem(value: unknown): string {
  const encoded = encodeValue(value);
  if ('text' in encoded) throw new Error(`It was encoded: ${encoded.text.slice(0, 100)}`);
  return encoded.problem;
}

describe('values that come back as they were', () => {
  it.each<[string, unknown]>([
    ['undefined', undefined], ['null', null], ['true', true], ['a string', 'a\u0000\ud800"\u2028'], ['an integer', 42], ['a float', 1.5e300],
    ['a bigint', 2n ** 64n - 1n], ['a negative bigint', -(2n ** 63n)], ['a small bigint', 0n],
    ['NaN', NaN], ['Infinity', Infinity], ['-Infinity', -Infinity], ['-0', -0],
    ['undefined in an array', [1, undefined, 3]], ['bigints inside', { list: [1n, { deep: 2n }] }],
    ['what looks like a tag', { $bigint: 'no number' }], ['... escaped', { $escaped: { $escaped: { $undefined: true } } }],
    ['... inside an array', [{ $number: 'NaN' }, NaN]], ['more keys than a tag has', { $bigint: '1', other: 2 }],
  ])('%s', (_, value) => {
    expect(roundTrip(value)).toStrictEqual(value);
  });

  it('keeps a key called __proto__ a key', () => {
    const value = JSON.parse('{"__proto__":{"$bigint":"1"},"list":[{"__proto__":5}]}') as unknown;
    const back = roundTrip(value) as object;
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
    expect(Object.entries(back)).toStrictEqual(Object.entries(value as object));
  });

  it('any JSON with bigints in it', () => {
    const tagged = fc.constantFrom('$bigint', '$number', '$undefined', '$escaped', 'a', '');
    const { tree } = fc.letrec<{ tree: unknown; leaf: unknown }>((tie) => ({
      leaf: fc.oneof(fc.bigInt(), fc.double(), fc.string({ unit: 'binary' }), fc.boolean(), fc.constant(null)),
      tree: fc.oneof({ maxDepth: 3 }, tie('leaf'), fc.array(fc.oneof(tie('tree'), fc.constant(undefined)), { maxLength: 4 }), fc.dictionary(tagged, tie('tree'), { noNullPrototype: true, maxKeys: 3 })),
    }));
    fc.assert(fc.property(tree, (value) => { expect(roundTrip(value)).toStrictEqual(value); }));
  });

  it('a string of 5 MiB', () => {
    const value = 'x'.repeat(5 * 1024 * 1024);
    expect(roundTrip(value) === value).toBe(true);
  });

  it('a bigint although the application gave BigInt a toJSON', () => {
    const prototype = BigInt.prototype as { toJSON?: unknown };
    prototype.toJSON = function toJSON(this: bigint) { return String(this); };
    try {
      expect(roundTrip({ id: 7n })).toStrictEqual({ id: 7n });
    } finally {
      delete prototype.toJSON;
    }
  });
});

describe('values that take their JSON form', () => {
  class Point {
    constructor(readonly x: number, readonly y: bigint, private readonly secret = () => 1) {}
    length(): number { return this.x; }
  }
  it.each<[string, unknown, unknown]>([
    ['a Date', new Date(86_400_000), '1970-01-02T00:00:00.000Z'],
    ['an invalid Date', new Date(NaN), null],
    ['a class instance', new Point(1, 2n), { x: 1, y: 2n }],
    ['its own toJSON', { toJSON: () => ({ a: 1n }) }, { a: 1n }],
    ['undefined properties, functions, symbols', { a: undefined, b: () => 1, c: Symbol('c'), d: 1 }, { d: 1 }],
    ['functions in an array', [() => 1, 2], [null, 2]],
    ['a Buffer', Buffer.from('hi'), { type: 'Buffer', data: [104, 105] }],
  ])('%s', (_, value, form) => {
    expect(roundTrip(value)).toStrictEqual(form);
  });
});

/** Not an error, as badly written code throws it. */
function nonsense(): never {
  // eslint-disable-next-line @typescript-eslint/only-throw-error
  throw 'nonsense';
}

describe('values that cannot be kept', () => {
  const circle: Record<string, unknown> = {};
  circle.self = { circle };
  let deep: unknown = 1;
  for (let level = 0; level < 50_000; level++) deep = [deep];
  it.each<[string, unknown, RegExp]>([
    ['a circular object', circle, /contains itself .*circle/],
    ['a function', () => 1, /a function cannot be a result/],
    ['a symbol', Symbol('x'), /a symbol cannot be a result/],
    ['a Map', new Map([[1, 2]]), /a Map has no JSON form/],
    ['a Set inside', { tags: new Set() }, /a Set has no JSON form/],
    ['a toJSON that throws', { toJSON: () => { throw new Error('no!'); } }, /failed: no!/],
    ['a toJSON that throws nonsense', { toJSON: nonsense }, /failed: nonsense/],
    ['a toJSON that gives nothing', { toJSON: () => undefined }, /gives nothing/],
    ['what is deeper than the stack', deep, /nested too deeply/],
  ])('%s', (_, value, text) => {
    expect(problem(value)).toMatch(text);
  });
});
