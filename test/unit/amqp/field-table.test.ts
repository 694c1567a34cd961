import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../../../lib/amqp/byte-writer.js';
import { readEntries, tableView } from '../../../lib/amqp/table-reader.js';
import { writeEntry } from '../../../lib/amqp/table-writer.js';
import { entry, EVERY_TYPE, sized, table, uint } from '../../support/raw-publish.js';
import { amqplibInside } from '../../support/amqplib-insides.js';

const { decodeFields, encodeTable } = amqplibInside<{
  decodeFields(bytes: Buffer): Record<string, unknown>;
  encodeTable(to: Buffer, values: object, offset: number): number;
}>('codec.js');
const read = (bytes: Buffer): Record<string, unknown> | undefined => {
  const entries = readEntries(bytes, 0, bytes.length);
  return entries && tableView(bytes, entries);
};
const written = (values: Record<string, unknown>): Buffer => {
  const writer = new ByteWriter();
  const start = writer.startSized();
  for (const [name, value] of Object.entries(values)) writeEntry(writer, name, value);
  writer.endSized(start);
  return writer.take();
};
describe('reading', () => {
  it('gives what amqplib gives, for every type', () => {
    const bytes = table(EVERY_TYPE);
    expect(read(bytes)).toEqual(decodeFields(bytes.subarray(4)));
  });

  it('takes names like __proto__ as data', () => {
    const view = read(table([['__proto__', 'F', table([['polluted', 't', uint(1, 1)]])], ['constructor', 'S', sized('c')]])) as object;
    expect(Object.keys(view)).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(view)).toBe(Object.prototype);
    expect((view as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('counts the last of equal names, and knows of both', () => {
    const bytes = table([['twice', 'b', uint(1, 1)], ['twice', 'b', uint(1, 2)]]);
    expect(read(bytes)).toEqual({ twice: 2 });
    expect(readEntries(bytes, 0, bytes.length)).toHaveLength(2);
  });

  it('ends at a depth that would be too much for the stack', () => {
    const levels = 20_000;
    const nested = (type: 'F' | 'A', head: number): Buffer => {
      const sizes: Buffer[] = Array.from({ length: levels }, (_, level) => uint(4, (levels - level) * (head + 4)));
      return Buffer.concat([...sizes.flatMap((size) => [size, type === 'F' ? Buffer.from([0, 0x46]) : Buffer.from('A')]), uint(4, 0)]);
    };
    expect(read(nested('F', 2))).toBeTypeOf('object');
    expect(read(table([['list', 'A', nested('A', 1)]]))).toBeTypeOf('object');
  });

  it('finds no table in what is cut, at every place, and never throws', () => {
    const bytes = table(EVERY_TYPE);
    for (let length = 0; length < bytes.length; length++) expect(read(bytes.subarray(0, length))).toBeUndefined();
    for (const [at, byte] of bytes.entries()) {
      const broken = Buffer.from(bytes);
      broken[at] = byte ^ 0xff;
      expect(() => read(broken)).not.toThrow();
    }
  });
});

describe('writing', () => {
  it('writes numbers, texts, lists and tables as amqplib does, byte for byte', () => {
    const values = {
      zero: 0, byte: -128, short: 128, short2: -32_768, int: 32_768, int2: -(2 ** 31), long: 2 ** 31, long2: -(2 ** 53), half: 0.5, huge: 2 ** 63, tiny: 5e-324,
      text: 'ünï ☃ 😀', none: '', yes: true, no: false, nothing: null, bytes: Buffer.from([1, 2]), list: [1, 'two', [null]], table: { a: { b: [{}] } },
      time: { '!': 'timestamp', value: 1_700_000_000 }, decimal: { '!': 'decimal', value: { places: 2, digits: 314 } },
    };
    const scratch = Buffer.alloc(4096);
    expect(written(values)).toEqual(scratch.subarray(0, encodeTable(scratch, values, 0)));
  });

  it.each([
    ['NaN', NaN, /NaN/], ['infinity', Infinity, /Infinity/], ['a function', () => undefined, /function/], ['a bigint', 1n, /bigint/], ['a symbol', Symbol('x'), /symbol/],
  ])('refuses %s', (_title, value, text) => {
    expect(() => written({ value })).toThrow(text);
  });

  it('refuses a circle, and names beyond 255 bytes', () => {
    const circle: { self?: unknown } = {};
    circle.self = circle;
    expect(() => written({ circle })).toThrow(/levels/);
    expect(() => written({ ['é'.repeat(128)]: 1 })).toThrow(/256 bytes/);
  });

  it('takes an object as data that only looks like a type of amqplib', () => {
    const data = { '!': 'int8', value: 4711 };
    expect(read(written({ data, wrong: { '!': 'timestamp', value: 'no time' } }))).toEqual({ data, wrong: { '!': 'timestamp', value: 'no time' } });
  });

  it('grows with what is written', () => {
    const long = 'x'.repeat(1_000_000);
    expect(read(written({ long }))).toEqual({ long });
    expect(entry(['a', 'V', Buffer.alloc(0)])).toEqual(written({ a: null }).subarray(4));
  });
});
