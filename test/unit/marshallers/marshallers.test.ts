import { encode as messagePackBytes } from '@msgpack/msgpack';
import { Encoder } from 'cbor-x';
import { describe, expect, it } from 'vitest';
import { formatContract } from '../../../lib/contract-suites/index.js';
import { marshalled, type ArgumentCodec, type Format } from '../../../lib/index.js';
import { cbor } from '../../../lib/marshallers/cbor.js';
import { messagePack } from '../../../lib/marshallers/messagepack.js';
import { inferArguments } from '../../../lib/task/argument-form.js';
import { SCALAR_TYPES, type ArgumentType } from '../../../lib/task/argument-types.js';
import { formedArguments } from '../../../lib/task/complete-task.js';
import type { Task, TaskArgument } from '../../../lib/task/task.js';

class Money {
  constructor(readonly cents: bigint, readonly currency: string) {}
  toJSON(): string { return `${this.cents} ${this.currency}`; }
}

const money: ArgumentCodec<Money> = {
  name: 'money',
  fits: (value): value is Money => value instanceof Money,
  encode: ({ cents, currency }) => [cents, currency],
  decode(data) {
    if (!Array.isArray(data) || data.length !== 2) throw new Error('it must be cents and a currency.');
    return new Money(BigInt(data[0] as number | bigint), String(data[1]));
  },
};

const VALUES: Record<string, unknown> = { bool: true, string: 'ünï \u2028 "x"', float32: 0.5, float64: -1e-9, int: 5_000_000_000, int64: -(2n ** 63n), uint64: 2n ** 64n - 1n };
const scalars: TaskArgument[] = SCALAR_TYPES.map((type) => ({ type, value: VALUES[type] ?? 7 }));
const lists: TaskArgument[] = SCALAR_TYPES.map((type) => ({ type: `[]${type}` as ArgumentType, value: [VALUES[type] ?? 7, VALUES[type] ?? 7] }));
const json: TaskArgument = { type: 'json', value: { a: [1, null, { b: 'ü', c: 0.1, when: new Date(1_700_000_000_123) }], big: 2n ** 60n, long: 5_000_000_000 } };
const task = (args: TaskArgument[], uuid = '6f9b2c1e-0000-4000-8000-000000000001'): Task => ({ uuid, name: 'mail.send', args });
const MAKERS: [string, (options?: { codecs?: readonly ArgumentCodec[] }) => Format][] = [['messagepack', messagePack], ['cbor', cbor]];

for (const [, make] of MAKERS) {
  formatContract({ describe, it, expect }, { format: make({ codecs: [money as ArgumentCodec] }), tasks: [task([]), task([...scalars, ...lists, json], '2'), task([{ type: 'json', value: null }, { type: 'float64', value: 1e300 }], '3')] });
}

describe.each(MAKERS)('the format %s', (_name, make) => {
  const there = (format: Format, args: TaskArgument[]): unknown[] => format.decode(format.encode(task(args))).args.map(({ value }) => value);
  const roundTrip = (...values: unknown[]): unknown[] => there(make(), formedArguments(inferArguments(values), 'mail.send'));

  it('brings dates and bytes as such, alone and within, where JSON has texts', () => {
    const [date, bytes] = [new Date('2026-02-03T04:05:06.789Z'), Buffer.from([0, 1, 254, 255])];
    const values = [date, bytes, { at: date, of: [bytes, { at: date }] }, [date]];
    const arrived = roundTrip(...values);
    expect(arrived).toEqual(values);
    expect(arrived.map((value) => (value as object).constructor.name)).toEqual(['Date', 'Buffer', 'Object', 'Array']);
  });

  it('brings every millisecond, before 1970 and far away too', () => {
    const dates = Array.from({ length: 1_000 }, (_, index) => new Date(1_700_000_000_000 + index)).concat([-1, 0, 1, -86_400_000_001, 253_402_300_799_999].map((ms) => new Date(ms)));
    expect((roundTrip(dates)[0] as Date[]).map(Number)).toEqual(dates.map(Number));
  });

  it('brings whole numbers exactly, to the last of 64 bits', () => {
    expect(there(make(), [{ type: 'int64', value: 2n ** 53n + 1n }, { type: 'int64', value: 5n }, { type: 'int', value: 2 ** 40 }, { type: 'float64', value: 3 }, { type: '[]uint64', value: [0n, 2n ** 64n - 1n] }])).toEqual([2n ** 53n + 1n, 5n, 2 ** 40, 3, [0n, 2n ** 64n - 1n]]);
    expect(() => there(make(), [{ type: 'json', value: { big: 2n ** 64n } }])).toThrow('has more than 64 bits; pass it as a text');
  });

  it('gives what has another JSON form that form, with its type', () => {
    expect(make().decode(make().encode(task(inferArguments([new URL('https://example.org/'), new Money(5n, 'EUR')])))).args).toEqual([{ type: 'string', value: 'https://example.org/' }, { type: 'string', value: '5 EUR' }]);
  });

  it('brings kinds of your own by their codec, and says what is wrong with them', () => {
    const format = make({ codecs: [money as ArgumentCodec] });
    const message = format.encode(task(inferArguments([new Money(12n, 'EUR'), 'x'])));
    const [first] = format.decode(message).args;
    expect(first).toEqual({ type: 'json', value: new Money(12n, 'EUR') });
    expect(first!.value).toBeInstanceOf(Money);
    expect(format.decode(format.encode(format.decode(message))).args[0]).toEqual(first);
    expect(() => make().decode(message)).toThrow('argument 1: there is no codec the string "money" here');
    const broken = make({ codecs: [{ ...money, decode: () => { throw new Error('no money.'); } } as ArgumentCodec] });
    expect(() => broken.decode(message)).toThrow('the codec "money" failed: no money.');
  });

  it('refuses what is no task, with a typed error', () => {
    const raw = marshalledBytes(make);
    for (const content of [5, null, [], 'x', {}, { uuid: '', name: 'x', args: [] }, { uuid: 'u', name: 5, args: [] }, { uuid: 'u', name: 'x', args: null }, { uuid: 'u', name: 'x', args: [5] }]) {
      expect(() => make().decode(raw(content))).toThrow(expect.objectContaining({ code: 'ERR_DISPATCHER_INVALID_BODY' }) as Error);
    }
    for (const argument of [{}, { type: 'int', value: 'x' }, { type: 'nothing', value: 1 }, { type: 'int8', value: 300 }, { type: 'json', value: Number.NaN }, { type: 'json', value: 1, codec: 5 }, { type: 'json', value: { constructor: { prototype: {} } } }]) {
      expect(() => make().decode(raw({ uuid: 'u', name: 'x', args: [argument] }))).toThrow(expect.objectContaining({ code: 'ERR_DISPATCHER_INVALID_TASK' }) as Error);
    }
    expect(make().identify!(raw({ uuid: 'u', name: 'x', args: 5 }))).toEqual({ uuid: 'u', name: 'x' });
  });

  it('refuses what is nested too deeply, on both sides', () => {
    let deep: unknown = 1;
    for (let level = 0; level < 511; level++) deep = [deep];
    expect(there(make(), [{ type: 'json', value: deep }])).toEqual([deep]);
    expect(() => there(make(), [{ type: 'json', value: [[deep]] }])).toThrow('nested deeper than 512 levels');
    const opener = make().contentType === 'application/cbor' ? 0x81 : 0x91;
    expect(() => make().decode({ body: Buffer.alloc(5_000_000, opener), properties: {} })).toThrow(expect.objectContaining({ code: 'ERR_DISPATCHER_INVALID_BODY' }) as Error);
  });

  it('makes no room for what only claims to be large', () => {
    const claims = make().contentType === 'application/cbor'
      ? ['9affffffff', '9bffffffffffffffff', 'ba7fffffff', '5affffffff', '7bffffffffffffffff', 'd81c8101', 'd81d00', 'd9010280', 'c2490100000000000000']
      : ['ddffffffff', 'df7fffffff', 'c6ffffffff', 'dbffffffff', 'c9ffffffff01'];
    const before = process.memoryUsage().rss;
    // Each within the other, too: a reader that trusts them would want gigabytes.
    for (const hex of claims) for (const body of [Buffer.from(hex, 'hex'), Buffer.from(hex.repeat(100), 'hex')]) {
      expect(() => make().decode({ body, properties: {} })).toThrow(expect.objectContaining({ code: 'ERR_DISPATCHER_INVALID_BODY' }) as Error);
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
  });
});

const cborBytes = (content: unknown): Uint8Array => new Encoder({ useRecords: false }).encode(content);

/** Messages with any content, as a stranger writes them: by the same library. */
function marshalledBytes(make: () => Format): (content: unknown) => { body: Buffer; properties: object } {
  return (content) => {
    const bytes = make().contentType === 'application/cbor' ? cborBytes(content) : messagePackBytes(content);
    return { body: Buffer.from(bytes), properties: {} };
  };
}

describe('marshalled', () => {
  it.each([undefined, {}, { name: 'x', contentType: 'y', encode: () => Buffer.alloc(0) }])('needs a marshaller; %o is none', (marshaller) => expect(() => marshalled(marshaller as never)).toThrow('A marshaller is an object with name'));

  it.each([[5, 'codecs must be a list'], [[{}], 'A codec is an object with name'], [[money, money], 'Two codecs are named "money"']])('refuses the codecs %o', (codecs, problem) => expect(() => messagePack({ codecs: codecs as never })).toThrow(problem));
});
