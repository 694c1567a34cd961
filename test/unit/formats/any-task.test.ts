import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidBodyError, InvalidTaskError } from '../../../lib/errors.js';
import { readRevocation } from '../../../lib/foreign/celery/pidbox.js';
import { readCeleryRecord, readChordPart } from '../../../lib/formats/celery/celery-result.js';
import { readMachineryGroup, readMachineryState } from '../../../lib/formats/machinery/task-state.js';
import type { ArrivedMessage } from '../../../lib/formats/format.js';
import { BUILT_IN_FORMATS, Formats } from '../../../lib/formats/formats.js';
import { gofortFormat } from '../../../lib/formats/gofort.js';
import { problemWith, SCALAR_TYPES, type ArgumentType } from '../../../lib/task/argument-types.js';
import type { Task, TaskArgument, TaskHeaders } from '../../../lib/task/task.js';

/** More of them: DISPATCHER_FUZZ=1000000. */
const FUZZED = Number(process.env['DISPATCHER_FUZZ'] ?? 20_000);
const RUNS = 300;
const MOST_KEPT_BYTES = 64 * 1024 * 1024;

function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

function refusalOf(read: () => unknown): unknown {
  try {
    read();
    return undefined;
  } catch (error) {
    return error;
  }
}


const integer = (min: bigint, max: bigint) => fc.bigInt({ min, max });
const VALUES: Record<string, fc.Arbitrary<unknown>> = {
  bool: fc.boolean(), string: fc.string({ unit: 'grapheme' }),
  int: fc.maxSafeInteger(), int64: integer(-(2n ** 63n), 2n ** 63n - 1n), uint64: integer(0n, 2n ** 64n - 1n), uint: fc.maxSafeNat(),
  int8: fc.integer({ min: -128, max: 127 }), int16: fc.integer({ min: -32768, max: 32767 }), int32: fc.integer(),
  uint8: fc.integer({ min: 0, max: 255 }), uint16: fc.integer({ min: 0, max: 65535 }), uint32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  float32: fc.float({ noNaN: true, noDefaultInfinity: true }), float64: fc.double({ noNaN: true, noDefaultInfinity: true }),
  // Inside of `json` zero has no sign, and no float is larger than what an integer shows exactly.
  json: fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value, (_key, item: unknown) => (typeof item === 'number' && Math.abs(item) > 2 ** 53 ? 1.5 : item))) as unknown).filter((value) => problemWith('json', value) === undefined),
};
const typed = (types: readonly ArgumentType[]): fc.Arbitrary<TaskArgument> => fc.oneof(...types.map((type) => {
  const scalar = VALUES[type.replace('[]', '')] as fc.Arbitrary<unknown>;
  return fc.record({ type: fc.constant(type), value: type.startsWith('[]') ? fc.array(scalar, { maxLength: 8 }) : scalar });
}));
const SCALARS_AND_LISTS: ArgumentType[] = [...SCALAR_TYPES, ...SCALAR_TYPES.map((type) => `[]${type}` as ArgumentType)];
/** Of a format without types: what has its type of itself. */
const untyped = fc.oneof(
  typed(['string', 'bool', 'int']), VALUES.float64!.filter((value) => !Number.isInteger(value)).map((value): TaskArgument => ({ type: 'float64', value })),
  integer(2n ** 53n, 2n ** 63n - 1n).map((value): TaskArgument => ({ type: 'int64', value })),
  VALUES.json!.filter((value) => typeof value === 'object').map((value): TaskArgument => ({ type: 'json', value })),
);
const ARGUMENTS: Record<string, fc.Arbitrary<TaskArgument[]>> = {
  gofort: fc.array(typed([...SCALARS_AND_LISTS, 'json']), { maxLength: 6 }), machinery: fc.array(typed(SCALARS_AND_LISTS), { maxLength: 6 }),
  celery: fc.array(untyped, { maxLength: 6 }), celery1: fc.array(untyped, { maxLength: 6 }),
  cloudevents: fc.array(typed([...SCALARS_AND_LISTS, 'json']), { maxLength: 6 }), 'cloudevents-binary': fc.array(typed([...SCALARS_AND_LISTS, 'json']), { maxLength: 6 }),
  gocraft: fc.option(VALUES.json!.filter((value) => typeof value === 'object' && value !== null && !Array.isArray(value)), { nil: undefined }).map((value): TaskArgument[] => (value === undefined ? [] : [{ type: 'json', value }])),
  sidekiq: fc.array(untyped, { maxLength: 6 }), goworkers: fc.array(untyped, { maxLength: 6 }), hutch: fc.tuple(untyped),
};
const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });
const headers: fc.Arbitrary<TaskHeaders> = fc.dictionary(fc.constantFrom('tenant', 'trace', 'n', 'x-y'), fc.oneof(fc.string(), fc.boolean(), fc.integer()), { maxKeys: 3 });
const reading = new Formats().reading(gofortFormat);

describe.each(BUILT_IN_FORMATS)('any task in $name', (format) => {
  it('is recognised by whoever does not expect it, and comes back as it was', () => {
    fc.assert(fc.property(text, text, ARGUMENTS[format.name]!, headers, (uuid, name, args, own) => {
      const sent: Task = { uuid, name, args, headers: own };
      const message: ArrivedMessage = { ...format.encode(sent), exchange: 'tasks', routingKey: name };
      const task = format.recognises === undefined || format.name === 'cloudevents-binary' ? format.decode(message) : reading.decode(message);
      expect(task).toMatchObject({ uuid, name });
      expect(task.args).toEqual(args.map(({ type, value }) => ({ type, value })));
      for (const [header, value] of Object.entries(own)) expect(task.headers?.[header]).toEqual(value);
      if (format.recognises !== undefined && format.name !== 'cloudevents-binary') expect(reading.of(message).name).toBe(format.name);
    }), { numRuns: RUNS });
  });

  it('is written anew with the same bytes', () => {
    fc.assert(fc.property(text, text, ARGUMENTS[format.name]!, (uuid, name, args) => {
      const message: ArrivedMessage = { ...format.encode({ uuid, name, args }), exchange: 'tasks', routingKey: name };
      expect(format.encode(format.decode(message)).body.toString()).toBe(message.body.toString());
    }), { numRuns: RUNS });
  });
});

describe('bytes of every kind', () => {
  const pieces = fc.constantFrom('{', '}', '[', ']', ',', ':', '"', '"uuid":"u"', '"UUID":"u"', '"Name":"n"', '"name":"n"', '"args":[]', '"Args":[{"Name":"","Type":"int64","Value":1}]', '"id":"i"', '"task":"t"', '"kwargs":{}',
    '"specversion":"1.0"', '"type":"t"', '"source":"s"', '"data":1', '"TaskUUID":"u"', '"State":"SUCCESS"', '"Results":[{"Type":"int64","Value":1}]', '"GroupUUID":"g"', '"TaskUUIDs":["u"]', '"task_id":"t"', '"status":"SUCCESS"', '"method":"revoke"', '"arguments":{"task_id":["t"]}', '[1,"t","SUCCESS",1]', '"__proto__":{"polluted":1}', '"constructor":{"prototype":{"polluted":1}}', '"OnSuccess":[{"Name":"n"}]', '"ChordCallback":{"Name":"n"}', '"ETA":"x"', '1e999', '-0',
    '123456789012345678901234567890', 'null', 'true', '\u0000', '\\u2028', '[[1], {}, {"chain": [{"task": "t"}]}]');
  const bodies = fc.oneof(fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)), fc.array(pieces, { maxLength: 14 }).map((list) => Buffer.from(list.join(''))),
    fc.json().map((json) => Buffer.from(json)), fc.array(pieces, { maxLength: 8 }).map((list) => Buffer.from(`{${list.join(',')}}`)));
  const properties = fc.record({
    contentType: fc.constantFrom(undefined, 'application/json', 'application/cloudevents+json', 'application/cloudevents-batch+json', 'text/plain', 'application/x-python-serialize'),
    contentEncoding: fc.constantFrom(undefined, 'utf-8', 'base64'), messageId: fc.constantFrom(undefined, '', 'm'),
    headers: fc.constantFrom<TaskHeaders | undefined>(undefined, {}, { id: 'i', task: 't', lang: 'py' }, { id: 'i', task: 't', retries: -1, timelimit: 5, eta: 'x', expires: [] }, { 'cloudEvents:specversion': '1.0', 'cloudEvents:id': 'i', 'cloudEvents:type': 't' },
      { 'cloudEvents_specversion': 1, 'cloudEvents:__proto__': { polluted: 1 } }, { 'x-dispatcher-format': 'machinery' }, { 'x-dispatcher-format': 'nobody' }, { CC: ['a.b'] }, { CC: [] }, { CC: [5] }),
  });

  it(`are read, or refused by errors that are meant for it: ${FUZZED} of them`, () => {
    const readers = [reading, ...BUILT_IN_FORMATS];
    const records = [readMachineryState, readMachineryGroup, readCeleryRecord, readChordPart];
    const before = heapBytes();
    fc.assert(fc.property(bodies, properties, fc.constantFrom(...readers), (body, given, reader) => {
      const message: ArrivedMessage = { body, properties: given, exchange: '', routingKey: 'a.b' };
      expect(() => readRevocation(body)).not.toThrow();
      for (const read of records) expect(refusalOf(() => read(body))).toSatisfy((error) => error === undefined || error instanceof InvalidBodyError);
      reader.identify?.(message);
      try {
        const task = reader.decode(message);
        expect(typeof task.name === 'string' && task.name !== '' && typeof task.uuid === 'string' && task.uuid !== '' && Array.isArray(task.args)).toBe(true);
        if (task.arrived?.hasFollowUps === true) new Formats().find(task.arrived.format)?.followUps?.(task, { kind: 'succeeded', value: 1 }, { now: 0, uuidFor: (place) => place });
      } catch (error) {
        expect(error instanceof InvalidBodyError || error instanceof InvalidTaskError).toBe(true);
      }
    }), { numRuns: FUZZED });
    expect(({} as Record<string, unknown>)['polluted']).toBe(undefined);
    // What was read is not kept anywhere.
    expect(heapBytes() - before).toBeLessThan(MOST_KEPT_BYTES);
  }, 30_000 + FUZZED);

  it('that are huge are answered soon: deep nesting, and numbers of a million digits', () => {
    for (const body of [`${'['.repeat(200_000)}${']'.repeat(200_000)}`, `{"UUID":"u","Name":"n","Args":null,"OnSuccess":${'[{"UUID":"u","Name":"n","Args":null,"OnSuccess":'.repeat(2_000)}null${'}]'.repeat(2_000)}}`,
      `{"uuid":"u","name":"n","args":[{"type":"json","value":${'9'.repeat(1_000_000)}}]}`, `{"x":${'{"a":'.repeat(5_000)}12345678901234567890${'}'.repeat(5_000)}}`]) {
      expect(() => reading.decode({ body: Buffer.from(body), properties: { contentType: 'application/json' } })).toThrow(InvalidBodyError);
    }
  });
});
