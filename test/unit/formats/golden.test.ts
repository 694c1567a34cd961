import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { celeryFormat } from '../../../lib/formats/celery/celery.js';
import { celery1Format } from '../../../lib/formats/celery/celery1.js';
import type { ArrivedMessage } from '../../../lib/formats/format.js';
import { Formats } from '../../../lib/formats/formats.js';
import { gofortFormat } from '../../../lib/formats/gofort.js';
import { hutchFormat } from '../../../lib/formats/hutch.js';
import { machineryFormat } from '../../../lib/formats/machinery/machinery.js';
import { toHandlerValue, type ArgumentType } from '../../../lib/task/argument-types.js';
import { GOLDEN, golden, goldenNames as names } from '../../support/golden.js';

const reading = new Formats().reading(gofortFormat);
const decoded = (folder: string, name: string) => reading.decode(golden(folder, name));
const values = (folder: string, name: string): unknown[] => decoded(folder, name).args.map(({ value }) => value);
const surroundings = { now: 0, uuidFor: (place: string) => `uuid-of-${place}` };

describe.each(names('machinery'))('machinery: %s', (name) => {
  const message = golden('machinery', name);

  it('is recognised, and comes out of it byte for byte', () => {
    expect(reading.of(message)).toBe(machineryFormat);
    const task = machineryFormat.decode(message);
    const again = machineryFormat.encode(task);
    expect(again.body.toString()).toBe(message.body.toString());
    expect(machineryFormat.identify?.(message)).toEqual({ uuid: task.uuid, name: task.name });
  });
});

describe('machinery', () => {
  it('has every type, 64 bits and all', () => {
    expect(values('machinery', 'task-all-types')).toEqual([
      true, 'ünï <&> ☃ \u2028', -(2n ** 63n), -128, -32768, -2147483648, 2n ** 63n - 1n, 2n ** 64n - 1n, 255, 65535, 4294967295, 9007199254740993n, 0.1, 1e21,
    ]);
    expect(values('machinery', 'task-slices')).toEqual([
      [true, false], ['a', ''], [-1, 0], [2n ** 63n - 1n], [2n ** 64n - 1n], [0.5], [-1], [1, 2, 255], [1, 2, 255], [0.1], [],
    ]);
  });

  it('tells headers, priority and retries of the message', () => {
    const task = decoded('machinery', 'task-headers-priority-retry-onerror');
    expect(task.headers).toEqual({ n: 3, tenant: 't1' });
    expect(task.arrived).toMatchObject({ format: 'machinery', hasFollowUps: true, retry: { attempts: 4, backoff: 'fixed', delaySeconds: 2, jitter: 0 } });
    expect(machineryFormat.encode(task).properties).toMatchObject({ priority: 5, contentType: 'application/json', headers: { n: 3, tenant: 't1' } });
  });

  it('counts as machinery does: its second attempt is the bytes that a Go worker wrote', () => {
    const written = golden('machinery', 'retry-by-worker');
    const before = JSON.parse(written.body.toString()) as { RetryCount: number; RetryTimeout: number; ETA: string };
    const earlier = { ...written, body: Buffer.from(written.body.toString().replace('"RetryCount":1,"RetryTimeout":2', '"RetryCount":2,"RetryTimeout":1').replace(/"ETA":"[^"]*"/, '"ETA":null')) };
    const next = machineryFormat.nextAttempt?.(earlier, { isCharged: true, dueAt: Date.parse(before.ETA) });
    expect(next?.body?.toString().replace(/"ETA":"[^"]*"/, '')).toBe(written.body.toString().replace(/"ETA":"[^"]*"/, ''));
    expect(next?.body?.toString()).toContain('"ETA":"2026-11-25T17:11:52.816Z"');
  });

  it('sends the next step of a chain as a Go worker does', () => {
    const [followUp, ...more] = machineryFormat.followUps?.(decoded('machinery', 'chain-first'), { kind: 'succeeded', value: 3 }, surroundings) ?? [];
    expect(more).toEqual([]);
    // The worker that wrote the vector has another queue, by whose name it was published.
    expect(followUp?.message.body.toString()).toBe(golden('machinery', 'chain-second-by-worker').body.toString().replace('"mq2"', '"mq"'));
    expect(followUp).toMatchObject({ name: 'add', to: { routingKey: 'mq', isOwnPlace: true }, problem: undefined });
  });

  it('tells a failure as a Go worker does', () => {
    const [followUp] = machineryFormat.followUps?.(decoded('machinery', 'retry-by-worker'), { kind: 'failed', error: 'it failed' }, surroundings) ?? [];
    expect(followUp?.message.body.toString()).toBe(golden('machinery', 'on-error-by-worker').body.toString());
  });

  it('says that it cannot count the members of a chord', () => {
    expect(decoded('machinery', 'chord-member-1').arrived?.unsupported).toContain('chord');
    expect(decoded('machinery', 'group-member-1').arrived?.unsupported).toBe(undefined);
  });
});

describe.each(names('celery'))('celery: %s', (name) => {
  const message = golden('celery', name);

  it('is recognised, and comes out of it byte for byte, with its headers', () => {
    expect(reading.of(message)).toBe(celeryFormat);
    const again = celeryFormat.encode(celeryFormat.decode(message));
    expect(again.body.toString()).toBe(message.body.toString());
    const { 'x-dispatcher-attempt': _attempt, 'x-dispatcher-expires': _expires, ...headers } = again.properties.headers ?? {};
    expect(headers).toEqual(message.properties.headers);
    expect(again.properties).toMatchObject({ contentType: 'application/json', contentEncoding: 'utf-8', correlationId: message.properties.correlationId });
  });
});

describe('celery', () => {
  it('has args as they are, and kwargs as one object behind them', () => {
    expect(values('celery', 'task-args-kwargs')).toEqual([1, 'ünï <&>', null, true, 0.1, 9007199254740993n, [1, [2]], { k: 1 }, { kw: 'v' }]);
    expect(decoded('celery', 'task-args-kwargs')).toMatchObject({ name: 'echo', uuid: '00000000-0000-4000-8000-000000000001', hasKwargs: true });
  });

  it('tells when it may run, when it expires, for how long, and how often it was tried', () => {
    expect(decoded('celery', 'task-eta-expires').arrived?.notBefore).toBe(Date.parse('2026-11-25T17:13:01.152Z'));
    expect(decoded('celery', 'task-eta-expires').headers?.['x-dispatcher-expires']).toBe(Date.parse('2026-11-25T17:14:01.152Z'));
    expect(decoded('celery', 'task-priority-headers-limits').arrived?.timeoutSeconds).toBe(20);
    expect(decoded('celery', 'task-priority-headers-limits').headers?.tenant).toBe('t1');
    expect(decoded('celery', 'retry-by-worker').headers?.['x-dispatcher-attempt']).toBe(2);
    expect(celeryFormat.nextAttempt?.(golden('celery', 'retry-by-worker'), { isCharged: true, dueAt: 0 })).toEqual({ headers: { retries: 2 } });
  });

  it('sends the next step of a chain, and what is linked, as a worker of Celery does', () => {
    const [step, ...more] = celeryFormat.followUps?.(decoded('celery', 'chain-first'), { kind: 'succeeded', value: 3 }, surroundings) ?? [];
    expect(more).toEqual([]);
    const written = golden('celery', 'chain-second-by-worker');
    const text = written.body.toString().replace('e4879b64-80b4-339a-b281-6fab5071f1f0', '770d5641-8ea8-361b-9054-0aeb613d2264');
    expect(step?.message.body.toString()).toBe(text);
    const { argsrepr: _1, lang: _2, origin: _3, ...headers } = written.properties.headers ?? {};
    expect(step?.message.properties.headers).toMatchObject(headers);

    const linked = celeryFormat.followUps?.(decoded('celery', 'task-link-linkerror-ignored'), { kind: 'succeeded', value: 3 }, surroundings) ?? [];
    expect(linked.map(({ message }) => message.body.toString())).toEqual([golden('celery', 'link-callback-by-worker').body.toString()]);
    const failed = celeryFormat.followUps?.(decoded('celery', 'task-link-linkerror-ignored'), { kind: 'failed', error: 'x' }, surroundings) ?? [];
    expect(failed.map(({ message }) => message.body.toString())).toEqual(['[["00000000-0000-4000-8000-000000000012"], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]']);
  });

  it('says what only a worker of Celery can carry on', () => {
    expect(decoded('celery', 'chord-member-1').arrived?.unsupported).toContain('chord');
    const message = golden('celery', 'task-link-linkerror-ignored');
    const group = { ...message, body: Buffer.from(message.body.toString().replace('"task": "on_err"', '"task": "celery.group"')) };
    expect(celeryFormat.decode(group).arrived?.unsupported).toContain('celery.group');
  });

  it('reads what gocelery writes', () => {
    const { celery: { value } } = JSON.parse(readFileSync(join(GOLDEN, 'gocelery/redis-after-enqueue.json'), 'utf8')) as { celery: { value: string[] } };
    const messages = value.map((text) => JSON.parse(text) as { body: string; 'content-type': string }).map((envelope): ArrivedMessage => ({ body: Buffer.from(envelope.body, 'base64'), properties: { contentType: envelope['content-type'] } }));
    expect(messages.map((message) => reading.of(message))).toEqual([celery1Format, celery1Format]);
    expect(messages.map((message) => reading.decode(message)).map(({ name, args, hasKwargs }) => [name, args.map((argument) => argument.value), hasKwargs])).toEqual([
      ['addk', [{ s: 'üní <&>'.replace('í', 'ï'), x: 1 }], true], ['add', [1, 2], undefined],
    ]);
  });
});

describe('hutch and event', () => {
  it.each([...names('hutch').map((name) => ['hutch', name]), ...names('event').map((name) => ['event', name])])('%s %s: the routing key is the name, the body the argument', (folder, name) => {
    const message = golden(folder!, name!);
    const task = hutchFormat.decode(message);
    expect(task.uuid).toBe(message.properties.messageId);
    expect(task.name).toBe((message.properties.headers?.CC as string[] | undefined)?.[0] ?? message.routingKey);
    expect(task.args.map(({ value }) => value)).toEqual([gofortFormat.decode({ body: Buffer.from(`{"uuid":"u","name":"n","args":[{"type":"json","value":${message.body.toString()}}]}`), properties: {} }).args[0]?.value]);
  });

  it('comes out byte for byte', () => {
    expect(hutchFormat.encode(hutchFormat.decode(golden('hutch', 'message-1'))).body.toString()).toBe(golden('hutch', 'message-1').body.toString().replace('<&>', '\\u003c\\u0026\\u003e'));
    expect(hutchFormat.encode(hutchFormat.decode(golden('event', 'message-1'))).body.toString()).toBe(golden('event', 'message-1').body.toString());
  });
});

describe('the wire format, version 1', () => {
  interface Vectors { readonly bodies: readonly { readonly body: string; readonly task: { readonly args: readonly { type: ArgumentType; value: unknown }[] } }[]; readonly refused: readonly string[] }
  const { bodies, refused } = JSON.parse(readFileSync(join(GOLDEN, 'gofort/vectors.json'), 'utf8')) as Vectors;
  const isInteger = (type: string): boolean => /^(\[\])?u?int/.test(type);
  const value = (type: ArgumentType, given: unknown): unknown => {
    if (!isInteger(type)) return given;
    const whole = (text: unknown): bigint | number => (Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text as string));
    return toHandlerValue(type, Array.isArray(given) ? given.map(whole) : whole(given));
  };

  it.each(bodies)('$body', ({ body, task }) => {
    const decodedTask = reading.decode({ body: Buffer.from(body), properties: { contentType: 'application/json' } });
    expect(decodedTask).toEqual({ ...task, args: task.args.map(({ type, value: given }) => ({ type, value: value(type, given) })), headers: undefined });
    expect(gofortFormat.encode(decodedTask).body.toString()).toBe(body);
  });

  it.each(refused)('refuses %s', (body) => {
    expect(() => gofortFormat.decode({ body: Buffer.from(body), properties: {} })).toThrow(/The body|argument 1/);
  });
});
