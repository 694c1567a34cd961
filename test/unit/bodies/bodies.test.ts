import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkBodies } from '../../../lib/dispatcher/config/bodies-config.js';
import { BodyKeyError, InvalidBodyError, InvalidTaskError, TaskTooLargeError, UnauthenticatedBodyError } from '../../../lib/errors.js';
import type { ArrivedMessage, EncodedTask } from '../../../lib/formats/format.js';
import { BUILT_IN_FORMATS, Formats, type ReadingFormat } from '../../../lib/formats/formats.js';
import { gofortFormat } from '../../../lib/formats/gofort.js';
import type { Compression, ServerConfig } from '../../../lib/index.js';
import { Header } from '../../../lib/task/headers.js';
import type { Task } from '../../../lib/task/task.js';
import { damaged } from '../../../lib/contract-suites/damaged.js';

const OLD = { id: '2025', secret: 'b'.repeat(64) };
const NEW = { id: '2026', secret: Buffer.alloc(32, 7) };
const KEYS: Partial<ServerConfig> = { encryption: { keys: [NEW, OLD] }, signing: { keys: [OLD] } };
const MAX_BYTES = 100_000;
const task: Task = { uuid: '6f9b2c1e-0000-4000-8000-000000000001', name: 'card.charge', args: [{ type: 'string', value: 'x'.repeat(3_000) }], headers: { tenant: 't', [Header.version]: 2 } };

function with_(config: Partial<ServerConfig>) {
  const bodies = checkBodies(config as ServerConfig, MAX_BYTES);
  const reading = new Formats([], new Set(), bodies).reading(gofortFormat);
  const seal = (message: EncodedTask, name = task.name, more: object = {}): ArrivedMessage => bodies.seal(message, name, bodies.sealingOf(name, { isForOthers: false, ...more })!);
  return { bodies, reading, seal };
}

function refusal(reading: ReadingFormat, message: ArrivedMessage): unknown {
  try {
    return reading.decode(message);
  } catch (error) {
    return error;
  }
}

const essence = ({ uuid, name, args, headers }: Task): unknown => ({ uuid, name, args, tenant: headers?.tenant });
const changed = (message: ArrivedMessage, properties: object, headers: object = {}): ArrivedMessage => (
  { ...message, properties: { ...message.properties, ...properties, headers: { ...message.properties.headers, ...headers } as Record<string, string> } });

describe('a body', () => {
  it.each(['gzip', 'deflate', 'br'])('is compressed by %s, and read by whoever has nothing configured', (coding) => {
    const { seal } = with_({ compression: coding });
    const message = seal(gofortFormat.encode(task));
    expect(message.properties).toMatchObject({ contentType: 'application/json', contentEncoding: coding, messageId: task.uuid });
    expect(message.body.length).toBeLessThan(200);
    expect(with_({}).reading.decode(message)).toEqual(gofortFormat.decode(gofortFormat.encode(task)));
  });

  it('is left as it is where that makes it no smaller, or where it is small', () => {
    const small = { ...task, args: [] };
    const plain = gofortFormat.encode(small);
    expect(with_({ compression: 'gzip' }).seal(plain)).toEqual(plain);
    expect(with_({ compression: { minBytes: 0 } }).seal(plain)).toEqual(plain);
    expect(with_({ compression: { tasks: ['report.*'] } }).bodies.sealingOf('report.a', { isForOthers: false })?.compression).toBeDefined();
    expect(with_({ compression: { tasks: ['report.*'] } }).bodies.sealingOf('card.charge', { isForOthers: false })?.compression).toBe(undefined);
  });

  it('by a compression of one\'s own is read by who has it', () => {
    const turned: Compression = { name: 'half', compress: (body) => body.subarray(0, body.length / 2), decompress: (body) => Buffer.concat([body, body]) };
    const body = Buffer.from('{"uuid":"a",        ');
    const { seal, bodies } = with_({ compressions: [turned], compression: { coding: 'half', minBytes: 0 } });
    const message = seal({ body, properties: {} });
    expect(message).toMatchObject({ body: body.subarray(0, 10), properties: { contentEncoding: 'half' } });
    expect(bodies.open(message)?.message.body.length).toBe(20);
    // Unknown codings are for the format.
    expect(with_({}).bodies.open(message)).toBe(undefined);
  });

  it('that would be more than may come out of it is not unpacked', () => {
    const bomb = { body: gzipSync(Buffer.alloc(50_000_000)), properties: { contentEncoding: 'gzip, gzip' } };
    expect(bomb.body.length).toBeLessThan(MAX_BYTES);
    const twice = { body: gzipSync(bomb.body), properties: { contentEncoding: 'gzip, gzip' } };
    const { reading } = with_({});
    expect(refusal(reading, twice)).toBeInstanceOf(TaskTooLargeError);
    expect(refusal(reading, { body: gzipSync('{'), properties: { contentEncoding: 'gzip' } })).toBeInstanceOf(InvalidBodyError);
    expect(refusal(reading, { body: Buffer.from('no gzip'), properties: { contentEncoding: 'gzip' } })).toBeInstanceOf(InvalidBodyError);
    expect(refusal(reading, { body: Buffer.from(gofortFormat.encode(task).body), properties: { contentEncoding: 'br', contentType: 'application/json' } })).not.toBeInstanceOf(Error);
    expect(() => with_({ compression: 'gzip' }).seal({ body: Buffer.alloc(MAX_BYTES + 1), properties: {} })).toThrow(TaskTooLargeError);
  });

  it('is encrypted with the first key and read with any, each time into other bytes', () => {
    const { seal } = with_({ encryption: { keys: [NEW, OLD] } });
    const [one, two] = [seal(gofortFormat.encode(task)), seal(gofortFormat.encode(task))];
    expect(one.body.equals(two.body)).toBe(false);
    expect(one.body.includes('xxx')).toBe(false);
    expect(one.properties).toMatchObject({ contentEncoding: 'aes-256-gcm', headers: { tenant: 't', 'x-dispatcher-task': 'card.charge', 'x-dispatcher-key': '2026' } });
    for (const keys of [[NEW], [OLD, NEW]]) expect(essence(with_({ encryption: { keys } }).reading.decode(one))).toEqual(essence(task));
    expect(refusal(with_({ encryption: { keys: [OLD] } }).reading, one)).toMatchObject({ code: 'ERR_DISPATCHER_NO_KEY', message: expect.stringContaining('the keys here are "2025"') as string });
    expect(refusal(with_({}).reading, one)).toBeInstanceOf(BodyKeyError);
    expect(refusal(with_({ encryption: { keys: [{ id: '2026', secret: randomBytes(32) }] } }).reading, one)).toBeInstanceOf(UnauthenticatedBodyError);
    expect(refusal(with_({ encryption: { keys: [NEW], context: 'other' } }).reading, one)).toBeInstanceOf(UnauthenticatedBodyError);
    expect(with_({}).reading.identify(one)).toEqual({ uuid: task.uuid, name: 'card.charge' });
  });

  it.each([
    ['encrypted', { encryption: { keys: [NEW] } }], ['signed', { signing: { keys: [NEW] } }], ['both', KEYS], ['both, and compressed', { ...KEYS, compression: 'br' }],
  ])('that is %s is of no use for another task, nor with anything changed', (_title, config) => {
    const { seal, reading } = with_(config as Partial<ServerConfig>);
    const message = seal(gofortFormat.encode(task));
    expect(essence(reading.decode(message))).toEqual(essence(task));
    const other = seal(gofortFormat.encode({ ...task, uuid: 'other', name: 'card.refund' }), 'card.refund');
    const refused = [
      changed(message, { messageId: 'other' }), changed(message, { contentType: 'text/plain' }), changed(message, {}, { [Header.task]: 'card.refund' }), changed(message, {}, { [Header.version]: 3 }),
      changed(message, {}, { [Header.retry]: '{"attempts":99}' }), changed(message, {}, { [Header.workflow]: 'a b' }), changed(message, {}, { [Header.format]: 'machinery' }), { ...message, body: other.body },
      { ...message, body: Buffer.concat([message.body, Buffer.of(0)]) }, { ...message, body: message.body.subarray(1) },
    ];
    for (const [index, one] of refused.entries()) expect([index, refusal(reading, one)]).toEqual([index, expect.any(UnauthenticatedBodyError)]);
    // What retries, delays and dead letters add changes nothing.
    expect(essence(reading.decode(changed(message, { priority: 1, correlationId: 'c' }, { [Header.attempt]: 3, [Header.history]: '[]', 'x-death': [] })))).toEqual(essence(task));
  });

  it('that says another task than it was sealed for is not run', () => {
    const { seal, reading } = with_({ signing: { keys: [NEW] } });
    expect(refusal(reading, seal(gofortFormat.encode(task), 'card.refund'))).toMatchObject({ message: 'The body is task the string "card.charge", and was sealed for the string "card.refund".' });
  });

  it('is taken as it comes where nothing is required, and refused where it is', () => {
    const plain = gofortFormat.encode(task);
    const signed = with_({ signing: { keys: [NEW] } }).seal(plain);
    expect(with_({}).reading.decode(signed).headers).toEqual(task.headers);
    expect(with_(KEYS).reading.decode(plain)).toMatchObject({ name: task.name });
    expect(refusal(with_({ signing: { keys: [NEW], required: true } }).reading, plain)).toMatchObject({ code: 'ERR_DISPATCHER_UNAUTHENTICATED', message: expect.stringContaining('Task "card.charge" is not signed, and signing.required') as string });
    expect(refusal(with_({ encryption: { keys: [NEW], required: true } }).reading, signed)).toBeInstanceOf(UnauthenticatedBodyError);
    expect(with_({ encryption: { keys: [NEW], required: true, tasks: ['mail.*'] } }).reading.decode(plain)).toMatchObject({ name: task.name });
    for (const signature of ['', 'x', '2026 short', 5, `2026 ${'A'.repeat(43)}`]) expect(refusal(with_({ signing: { keys: [NEW] } }).reading, changed(plain, {}, { [Header.signature]: signature }))).toBeInstanceOf(UnauthenticatedBodyError);
    expect(refusal(with_({ signing: { keys: [OLD] } }).reading, signed)).toBeInstanceOf(BodyKeyError);
  });

  it('that was decrypted and cannot be read tells nothing of itself', () => {
    const { seal, reading } = with_({ encryption: { keys: [NEW] } });
    for (const body of ['{"uuid":"u","name":"card.charge","args":[{"type":"int","value":"SECRET"}]}', 'SECRET']) {
      const error = refusal(reading, seal({ body: Buffer.from(body), properties: { messageId: 'u', contentType: 'application/json' } })) as Error;
      expect(error.message).toContain('could be decrypted');
      expect(JSON.stringify([error.message, error.cause])).not.toContain('SECRET');
    }
  });

  it('is written anew as it came', () => {
    const { seal, reading } = with_({ ...KEYS, compression: { minBytes: 0 } });
    const message = seal(gofortFormat.encode(task));
    const edited = reading.rewritten(message, { body: gofortFormat.encode({ ...task, args: [] }).body, properties: message.properties }, task.name);
    expect(edited.properties.contentEncoding).toBe('gzip, aes-256-gcm');
    expect(reading.decode(edited)).toMatchObject({ name: task.name, args: [] });
    const plain = gofortFormat.encode(task);
    expect(reading.rewritten(plain, { ...plain, body: Buffer.from('{}') }, task.name)).toEqual({ ...plain, body: Buffer.from('{}') });
    expect(() => with_({}).reading.rewritten(message, plain, task.name)).toThrow(BodyKeyError);
  });
});

describe.each(BUILT_IN_FORMATS)('any task in $name', (format) => {
  it.each([['gzip', {}], ['br', { encryption: KEYS.encryption }], ['deflate', KEYS], [false, { signing: KEYS.signing }]] as const)('comes back from %s and what else is done, and is the same in its next attempt', (compression, more) => {
    const { bodies, reading } = with_({ compression: compression === false ? false : { coding: compression, minBytes: 0 }, ...more });
    fc.assert(fc.property(fc.uuid(), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }), fc.string({ maxLength: 2_000 }), (uuid, name, value) => {
      const sent: Task = { uuid, name, args: [{ type: 'json', value: { value } }].map((one) => (format.name === 'machinery' ? { type: 'string' as const, value } : one)) as Task['args'] };
      const plain = format.encode(sent);
      plain.properties.headers = { ...plain.properties.headers, ...(format.name === 'gofort' ? {} : { [Header.format]: format.name }) };
      const message: ArrivedMessage = { ...bodies.seal(plain, name, bodies.sealingOf(name, { isForOthers: false })!), exchange: 'e', routingKey: name };
      const arrived = reading.decode(message);
      expect(arrived).toMatchObject({ uuid, name, args: sent.args });
      expect(reading.of(message).name).toBe(format.name);
      const next = reading.nextAttempt(message, { isCharged: true, dueAt: 0 });
      const again = { ...message, body: next.body ?? message.body, properties: { ...message.properties, headers: { ...message.properties.headers, ...next.headers } } };
      expect(reading.decode(again)).toMatchObject({ uuid, name, args: sent.args });
    }), { numRuns: 60 });
  });
});

describe('damaged messages', () => {
  it('are refused by errors that are meant for it, and none is taken for another', () => {
    const { seal, reading } = with_({ ...KEYS, compression: 'gzip', signing: { keys: [OLD], required: true } });
    const message = seal(gofortFormat.encode(task));
    for (const broken of damaged(message, 2_000)) {
      const outcome = refusal(reading, broken);
      if (outcome instanceof Error) expect(outcome instanceof InvalidBodyError || outcome instanceof InvalidTaskError ? undefined : outcome).toBe(undefined);
      else expect(essence(outcome as Task)).toMatchObject({ uuid: task.uuid, name: task.name, args: task.args });
      reading.identify(broken);
      reading.of(broken);
    }
  });

  it('of any bytes and any coding are too', () => {
    const { reading } = with_(KEYS);
    const codings = fc.array(fc.constantFrom('gzip', 'br', 'deflate', 'zstd', 'aes-256-gcm', 'utf-8', 'base64', '', ' GZIP '), { maxLength: 7 }).map((list) => list.join(','));
    fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), codings, fc.constantFrom(undefined, '2026', '2025', 'x', 5), (body, contentEncoding, key) => {
      const outcome = refusal(reading, { body: Buffer.from(body), properties: { contentEncoding, headers: key === undefined ? {} : { [Header.key]: key } } });
      expect(outcome instanceof InvalidBodyError || outcome instanceof InvalidTaskError).toBe(true);
    }), { numRuns: 3_000 });
  });
});

describe('the configuration of bodies', () => {
  it.each<[Partial<ServerConfig>, string]>([
    [{ compression: 'gzp' }, 'compression is the string "gzp", which is no way to compress. Did you mean "gzip"?'],
    [{ compression: { coding: 'lz4' } }, 'compression.coding is the string "lz4"'],
    [{ compression: { level: 3 } as never }, 'compression has no option "level"'],
    [{ compression: { minBytes: -1 } }, 'compression.minBytes must be a whole number'],
    [{ compressions: [{ name: 'gzip', compress: (body) => body, decompress: (body) => body }] }, 'compressions[0] is named "gzip", as another is.'],
    [{ compressions: [{ name: 'a, b' } as never] }, 'compressions[0] must be a Compression'],
    [{ encryption: { keys: [] } }, 'encryption.keys must be a list of keys'],
    [{ encryption: { keys: [{ id: 'a b', secret: '' }] } }, 'encryption.keys[0] needs an id of letters'],
    [{ signing: { keys: [{ id: 'a', secret: 'SECRET' }] } }, 'The secret of signing.keys[0] ("a") must be 32 bytes, or their base64 or hex text. '],
    [{ signing: { keys: [{ id: 'a', secret: Buffer.from('SECRET') }] } }, 'it has 6 bytes'],
    [{ signing: { keys: [OLD, OLD] } }, 'signing.keys has two keys of the id "2025".'],
    [{ signing: { keys: [OLD], need: true } as never }, 'signing has no option "need"'],
    [{ signing: 'SECRET' as never }, 'signing must be an object such as'],
    [{ encryption: { keys: [OLD], context: 5 as never } }, 'encryption.context must be a text'],
  ])('is refused where it cannot work, and tells no secret: %#', (config, text) => {
    expect(() => with_(config)).toThrow(text);
    expect(() => with_(config)).not.toThrow('SECRET');
  });

  it('takes secrets as bytes, base64 and hex', () => {
    const bytes = randomBytes(32);
    const message = with_({ encryption: { keys: [{ id: 'a', secret: bytes }] } }).seal(gofortFormat.encode(task));
    for (const secret of [bytes.toString('base64'), bytes.toString('base64url'), bytes.toString('hex')]) expect(with_({ encryption: { keys: [{ id: 'a', secret }] } }).reading.decode(message)).toMatchObject({ name: task.name });
  });

  it('says what is to be done to a single task', () => {
    const { bodies } = with_({ encryption: { keys: [NEW], tasks: ['card.*'], required: true } });
    expect(bodies.sealingOf('mail', { isForOthers: false })).toMatchObject({ encrypts: false, signs: false });
    expect(bodies.sealingOf('mail', { isForOthers: false, encrypt: true })).toMatchObject({ encrypts: true });
    expect(() => bodies.sealingOf('card.charge', { isForOthers: false, encrypt: false })).toThrow(InvalidTaskError);
    expect(() => with_({}).bodies.sealingOf('mail', { isForOthers: false, encrypt: true })).toThrow('there is no key');
  });
});
