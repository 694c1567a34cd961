import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidTaskError } from '../../../lib/errors.js';
import { gofortFormat } from '../../../lib/formats/gofort.js';
import { decodeValue, encodeValue } from '../../../lib/results/result-value.js';
import { inferArguments } from '../../../lib/task/argument-form.js';
import { completeTask } from '../../../lib/task/complete-task.js';
import type { TaskArgument } from '../../../lib/task/task.js';
import { HOSTILE_VALUES, hostileProxy, revokedProxy } from '../../support/hostile-values.js';

const DEFAULTS = { routingKey: 'key', newUuid: () => 'u', now: () => 0 };

/** As a handler gets what was published. */
function arrived(...values: unknown[]): TaskArgument[] {
  const { body } = gofortFormat.encode(completeTask({ name: 't', args: inferArguments(values) }, DEFAULTS));
  return gofortFormat.decode({ body, properties: {} }).args;
}

class Address {
  constructor(readonly street: string, readonly since: Date) {}
  get label(): string { return `at ${this.street}`; }
}

class Order {
  readonly lines = [{ sku: 'a', due: new Date(0) }];
  note?: string = undefined;
  #secret = 1;
  constructor(readonly id: bigint, readonly address: Address) {}
  total(): number { return this.#secret; }
}

class Money {
  constructor(private readonly cents: number) {}
  toJSON(): string { return (this.cents / 100).toFixed(2); }
}

const circle: Record<string, unknown> = { name: 'a' };
circle.self = { circle };

describe('an argument', () => {
  it.each<[string, unknown, TaskArgument]>([
    ['a Date', new Date(0), { type: 'string', value: '1970-01-01T00:00:00.000Z' }],
    ['a Date within', { when: new Date(0), list: [new Date(1)] }, { type: 'json', value: { when: '1970-01-01T00:00:00.000Z', list: ['1970-01-01T00:00:00.001Z'] } }],
    ['an instance of a class', new Order(2n ** 60n, new Address('x', new Date(0))), {
      type: 'json', value: { id: 2n ** 60n, address: { street: 'x', since: '1970-01-01T00:00:00.000Z' }, lines: [{ sku: 'a', due: '1970-01-01T00:00:00.000Z' }] },
    }],
    ['what has toJSON', new Money(1234), { type: 'string', value: '12.34' }],
    ['what has toJSON, within', { price: new Money(5) }, { type: 'json', value: { price: '0.05' } }],
    ['a plain object with toJSON', { toJSON: () => ({ a: 1 }) }, { type: 'json', value: { a: 1 } }],
    ['an URL', new URL('https://example.org/'), { type: 'string', value: 'https://example.org/' }],
    ['a Buffer', Buffer.from('ab'), { type: 'json', value: { type: 'Buffer', data: [97, 98] } }],
    ['a boxed number', Object(5), { type: 'int', value: 5 }],
    ['a boxed text', Object('x'), { type: 'string', value: 'x' }],
    ['a bigint within', { a: [1n, 2n ** 70n] }, { type: 'json', value: { a: [1, 2n ** 70n] } }],
    ['an undefined in a list', [1, undefined, 3], { type: 'json', value: [1, null, 3] }],
    ['a hole in a list', [1, , 3], { type: 'json', value: [1, null, 3] }],
    ['an undefined property', { a: undefined, b: 1 }, { type: 'json', value: { b: 1 } }],
    ['an object without prototype', Object.assign(Object.create(null) as object, { a: 1 }), { type: 'json', value: { a: 1 } }],
    ['what looks like a tag', { $bigint: '5', when: new Date(0) }, { type: 'json', value: { $bigint: '5', when: '1970-01-01T00:00:00.000Z' } }],
    ['a tag alone, in an instance', Object.assign(new Money(1), { toJSON: () => ({ $bigint: '5' }) }), { type: 'json', value: { $bigint: '5' } }],
  ])('that is %s arrives in its JSON form', (_, value, expected) => {
    expect(arrived(value)).toEqual([expected]);
  });

  it('that is undefined at the end is left out, and refused before others', () => {
    expect(arrived(1, undefined, undefined)).toEqual([{ type: 'int', value: 1 }]);
    expect(arrived(undefined)).toEqual([]);
    expect(() => arrived(1, undefined, 3)).toThrow(/Argument 2 is undefined, and others follow it.*Pass null/);
  });

  it.each<[string, unknown, RegExp]>([
    ['a circle', circle, /contains itself.*pass plain data without the circle/],
    ['a circle of instances', Object.assign(new Money(1), { toJSON: () => circle }), /contains itself/],
    ['a function within', { a: { run: () => 1 } }, /at a\.run: a function cannot be an argument/],
    ['a function of an instance', new (class { run = (): number => 1; })(), /at run: a function cannot be/],
    ['a symbol within', [Symbol('s')], /at 0: a symbol cannot be/],
    ['an invalid Date', new Date(NaN), /the Date is not valid/],
    ['an invalid Date within', { list: [{ when: new Date(NaN) }] }, /at list\.0\.when: the Date is not valid/],
    ['NaN', NaN, /expected a finite number/],
    ['NaN within', new (class { a = [Infinity]; })(), /at a\.0: expected a finite number, found Infinity/],
    ['a Map', new Map([[1, 2]]), /a Map has no JSON form; pass an array of its entries/],
    ['a Map within', { a: new Map() }, /at a: a Map has no JSON form/],
    ['a Set', new Set([1]), /a Set has no JSON form/],
    ['a WeakMap', new WeakMap(), /a WeakMap has no JSON form/],
    ['a promise', Promise.resolve(1), /a Promise has no JSON form; await it first/],
    ['a typed array', new Float64Array(2), /a Float64Array has no JSON form; pass its bytes as text/],
    ['an ArrayBuffer', new ArrayBuffer(2), /an ArrayBuffer has no JSON form/],
    ['a RegExp', { pattern: /x/ }, /at pattern: a RegExp has no JSON form/],
    ['an Error', new Error('x'), /an Error has no JSON form/],
    ['a toJSON that gives nothing', { toJSON: () => undefined }, /its toJSON gives nothing/],
    ['a toJSON that throws', new (class { toJSON(): never { throw new Error('no form'); } })(), /turning it into JSON failed: no form/],
    ['a getter that throws', { get a(): never { throw new Error('no touch'); } }, /turning it into JSON failed: no touch/],
    ['a __proto__ of an instance', new (class { ['__proto__'] = 1; })(), /"__proto__" is not allowed/],
    ['a revoked proxy', revokedProxy(), /./],
    ['a hostile proxy', hostileProxy(), /./],
    ['a hostile proxy within', [hostileProxy()], /./],
    ['a depth of a thousand', JSON.parse('['.repeat(1_000) + ']'.repeat(1_000)), /nested deeper than 512/],
  ])('that is %s is refused', (_, value, text) => {
    expect(() => arrived(value)).toThrow(InvalidTaskError);
    expect(() => arrived(value)).toThrow(text);
  });

  it('takes the form that a result takes, whatever it is', () => {
    const value = fc.anything({ withDate: true, withBigInt: true, withNullPrototype: true, withBoxedValues: true });
    fc.assert(fc.property(value, (made) => {
      let args: TaskArgument[];
      try {
        args = arrived([made]);
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidTaskError);
        return;
      }
      const encoded = encodeValue([made]) as { text: string };
      const asResult = decodeValue(encoded.text.replaceAll('{"$undefined":true}', 'null').replaceAll('{"$number":"-0"}', '0'));
      const plain = (form: unknown): string => JSON.stringify(form, (_, item: unknown) => (typeof item === 'bigint' ? `${item}n` : typeof item === 'number' && Number.isInteger(item) ? `${item}n` : item));
      expect(plain(args[0]?.value)).toBe(plain(asResult));
    }), { numRuns: 500 });
  });

  it('is refused with our own error, whatever it does when it is touched', () => {
    for (const make of Object.values(HOSTILE_VALUES)) {
      try {
        arrived(make(), { within: make() }, [make()]);
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidTaskError);
      }
    }
  });

  it('that says its type is converted only where that is json', () => {
    const complete = (type: TaskArgument['type'], value: unknown): unknown => completeTask({ name: 't', args: [{ type: 'int', value: 1 }, { type, value }] }, DEFAULTS).args[1]?.value;
    expect(complete('json', new Money(100))).toBe('1.00');
    expect(() => complete('string', new Money(100))).toThrow(/argument 2 \(type string\): expected a string, found an object \(Money\)/);
    expect(() => complete('json', new Map())).toThrow(/Task "t": argument 2 \(type json\): a Map has no JSON form/);
    expect(() => complete('json', undefined)).toThrow(/undefined cannot be an argument of a task; pass data/);
  });

  it('that is plain data is sent as it is, and nothing of the caller is changed', () => {
    const args: TaskArgument[] = [{ type: 'json', value: { a: [1, { b: null }] } }];
    expect(completeTask({ name: 't', args }, DEFAULTS).args).toBe(args);
    const dto = new Address('x', new Date(0));
    const mixed: TaskArgument[] = [...args, { type: 'json', value: dto }];
    const completed = completeTask({ name: 't', args: mixed }, DEFAULTS).args;
    expect([completed === mixed, completed[0] === args[0], mixed[1]?.value === dto]).toEqual([false, true, true]);
  });
});
