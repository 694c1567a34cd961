import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidBodyError, InvalidTaskError } from '../../../lib/errors.js';
import { gofortFormat } from '../../../lib/formats/gofort.js';
import { problemWith, SCALAR_TYPES, toHandlerValue, type ArgumentType } from '../../../lib/task/argument-types.js';
import type { Task, TaskArgument } from '../../../lib/task/task.js';

const decode = (body: string | Buffer): Task => gofortFormat.decode({ body: Buffer.from(body as string), properties: {} });
const roundTrip = (args: TaskArgument[]): unknown[] =>
  gofortFormat.decode(gofortFormat.encode({ uuid: 'u', name: 'n', args })).args.map(({ value }) => value);

describe('the body', () => {
  it('is gofort\'s, byte for byte', () => {
    const { body, properties } = gofortFormat.encode({
      uuid: 'e7a8d9e0-0000-4000-8000-000000000001', name: 'task_1',
      args: [{ type: 'string', value: 'simple string' }, { type: 'int', value: 1 }],
    });
    expect(body.toString()).toBe('{"uuid":"e7a8d9e0-0000-4000-8000-000000000001","name":"task_1","args":[{"type":"string","value":"simple string"},{"type":"int","value":1}]}');
    expect(properties).toEqual({ contentType: 'application/json', messageId: 'e7a8d9e0-0000-4000-8000-000000000001', headers: undefined });
  });

  it.each(['with "quotes"', 'line\nbreak', 'tab\tstop', 'back\\slash', '\u0000', '\u2028', 'é', '\ud800 alone', ' '])('escapes a uuid and a name as JSON does: %j', (text) => {
    const { body } = gofortFormat.encode({ uuid: text, name: text, args: [] });
    expect(body.toString()).toBe(Buffer.from(`{"uuid":${JSON.stringify(text)},"name":${JSON.stringify(text)},"args":null}`).toString());
  });

  it('is of the name that the task has, however many names there were before', () => {
    for (let round = 0; round < 2; round++) {
      for (let number = 0; number < 2_500; number++) {
        const { name } = decode(gofortFormat.encode({ uuid: 'u', name: `task-${number}`, args: [] }).body);
        if (name !== `task-${number}`) expect(name).toBe(`task-${number}`);
      }
    }
    expect(decode(gofortFormat.encode({ uuid: 'u', name: 'task-7', args: [] }).body).name).toBe('task-7');
  });

  it('has args null where there are none', () => {
    expect(gofortFormat.encode({ uuid: 'u', name: 'n', args: [] }).body.toString()).toBe('{"uuid":"u","name":"n","args":null}');
    expect(decode('{"uuid":"u","name":"n","args":null}').args).toEqual([]);
    expect(decode('{"uuid":"u","name":"n"}').args).toEqual([]);
  });

  it('is read with Go\'s escapes, unknown keys and a byte order of its own', () => {
    expect(decode('{"extra":1,"args":[{"value":"\\u003cb\\u003e \\u0026 \\u2028","type":"string"}],"name":"n","uuid":"u"}').args[0]?.value).toBe('<b> & \u2028');
  });

  it('takes the content as it is, whatever headers and content type say', () => {
    expect(gofortFormat.decode({ body: Buffer.from('{"uuid":"u","name":"n","args":[]}'), properties: { contentType: 'text/plain', headers: { a: 1 } } }))
      .toEqual({ uuid: 'u', name: 'n', args: [], headers: { a: 1 } });
  });
});

describe('numbers', () => {
  it.each<[ArgumentType, string, unknown]>([
    ['int64', '9223372036854775807', 9223372036854775807n],
    ['int64', '-9223372036854775808', -9223372036854775808n],
    ['uint64', '18446744073709551615', 18446744073709551615n],
    ['int64', '1', 1n],
    ['int', '9007199254740993', 9007199254740993n],
    ['int', '9007199254740991', 9007199254740991],
    ['int', '42', 42],
    ['int', '1.0', 1],
    ['float64', '100000000000000000000', 1e20],
    ['float64', '0.12345678901234568', 0.12345678901234568],
    ['float64', '1e308', 1e308],
    ['[]float64', '[100000000000000000,0.5]', [1e17, 0.5]],
    ['[]uint64', '[18446744073709551615,0]', [18446744073709551615n, 0n]],
    ['json', '{"id":9007199254740993,"x":[1.5,12345678901234567890]}', { id: 9007199254740993n, x: [1.5, 12345678901234567890n] }],
  ])('%s %s', (type, text, value) => {
    expect(decode(`{"uuid":"u","name":"n","args":[{"type":"${type}","value":${text}}]}`).args[0]?.value).toEqual(value);
  });

  it('keep the sign of zero in floats', () => {
    expect(roundTrip([{ type: 'float64', value: -0 }])[0]).toBe(-0);
    expect(roundTrip([{ type: '[]float64', value: [-0, 0] }])[0]).toEqual([-0, 0]);
  });
});

describe('any task', () => {
  const bigInteger = (min: bigint, max: bigint) => fc.bigInt({ min, max });
  const values: Record<string, fc.Arbitrary<unknown>> = {
    bool: fc.boolean(), string: fc.string({ unit: 'grapheme' }),
    int: fc.oneof(fc.maxSafeInteger(), bigInteger(-(2n ** 63n), 2n ** 63n - 1n)), int64: bigInteger(-(2n ** 63n), 2n ** 63n - 1n),
    int8: fc.integer({ min: -128, max: 127 }), int16: fc.integer({ min: -32768, max: 32767 }), int32: fc.integer(),
    uint: fc.oneof(fc.nat(), bigInteger(0n, 2n ** 64n - 1n)), uint64: bigInteger(0n, 2n ** 64n - 1n),
    uint8: fc.integer({ min: 0, max: 255 }), uint16: fc.integer({ min: 0, max: 65535 }), uint32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    float32: fc.float({ noNaN: true, noDefaultInfinity: true }), float64: fc.double({ noNaN: true, noDefaultInfinity: true }),
    // Inside of `json` zero has no sign, as in JSON.stringify.
    json: fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown).filter((value) => problemWith('json', value) === undefined),
  };
  const argument = fc.oneof(
    ...[...SCALAR_TYPES, 'json' as const].map((type) => fc.record({ type: fc.constant(type as ArgumentType), value: values[type] as fc.Arbitrary<unknown> })),
    ...SCALAR_TYPES.map((type) => fc.record({ type: fc.constant(`[]${type}` as ArgumentType), value: fc.array(values[type] as fc.Arbitrary<unknown>) })),
  );

  /** A bigint that a number holds exactly comes back as a number, except in the two types that are always bigint. */
  const normal = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(normal);
    return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value;
  };

  /** An integer that a number may not hold exactly arrives as a bigint, whoever wrote it. */
  const exact = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(exact);
    if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, exact(item)]));
    const unsafe = typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) < 1e21;
    return unsafe ? BigInt(String(value)) : value;
  };

  it('comes back from its bytes as it was', () => {
    fc.assert(fc.property(fc.array(argument), fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (args, name, uuid) => {
      const expected = args.map(({ type, value }) => (type === 'json' ? exact(value) : toHandlerValue(type, normal(value))));
      const copy = structuredClone(args);
      const decoded = gofortFormat.decode(gofortFormat.encode({ uuid, name, args: copy }));
      expect([decoded.name, decoded.uuid]).toEqual([name, uuid]);
      expect(decoded.args.map(({ value }) => JSON.stringify(value, show))).toEqual(expected.map((value) => JSON.stringify(value, show)));
    }), { numRuns: 1_000 });
  });

  const show = (_key: string, value: unknown): unknown =>
    (typeof value === 'bigint' ? `bigint ${value}` : Object.is(value, -0) ? '-0' : value);

  it('never throws anything but its own errors on arbitrary bytes', () => {
    fc.assert(fc.property(fc.oneof(fc.uint8Array(), fc.json().map((text) => Buffer.from(text))), (bytes) => {
      try {
        decode(Buffer.from(bytes));
      } catch (error) {
        expect(error instanceof InvalidBodyError || error instanceof InvalidTaskError).toBe(true);
      }
    }), { numRuns: 500 });
  });
});

describe('bytes that are no task', () => {
  it.each([
    ['', /empty/], ['\u0000', /cannot be read as JSON/], ['null', /must be a JSON object.*found null/], ['[]', /found an array/], ['"x"', /found the string "x"/],
    ['{"uuid":"u"}', /"name" must be/], ['{"name":"n"}', /"uuid" must be/], ['{"uuid":1,"name":"n"}', /"uuid" must be.*the number 1/],
    ['{"uuid":"u","name":"n","args":{}}', /"args" must be a list/],
    ['{"uuid":"u","name":"n","args":[{"type":"json","value":{"constructor":{"prototype":{}}}}]}', /prototype/],
    ['{"uuid":"u","name":"n","args":[{"type":"json","value":{"a":{"__proto__":1}}}]}', /prototype/],
  ])('%j', (body, message) => {
    expect(() => decode(body)).toThrow(message);
    expect(() => decode(body)).toThrow(InvalidBodyError);
  });

  it('are refused when they are not UTF-8', () => {
    expect(() => decode(Buffer.from([0xff, 0xfe, 0x7b]))).toThrow(/not UTF-8/);
  });

  it('may nest 10,000 deep, with or without long numbers', () => {
    const deep = `${'['.repeat(10_000)}${']'.repeat(10_000)}`;
    for (const extra of ['', ',{"type":"int64","value":9223372036854775807}']) {
      expect(() => decode(`{"uuid":"u","name":"n","args":[{"type":"json","value":${deep}}${extra}]}`)).toThrow(/nested deeper|cannot be read/);
    }
  });
});
