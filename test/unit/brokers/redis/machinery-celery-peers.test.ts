import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Message } from '../../../../lib/brokers/broker.js';
import { celery1Peer, celeryPeer } from '../../../../lib/brokers/redis/foreign/celery-peer.js';
import { machineryPeer } from '../../../../lib/brokers/redis/foreign/machinery-peer.js';
import { readBy } from '../../../../lib/brokers/redis/foreign/peer.js';
import { celeryFormat } from '../../../../lib/formats/celery/celery.js';
import { Formats } from '../../../../lib/formats/formats.js';
import { gofortFormat } from '../../../../lib/formats/gofort.js';
import { machineryFormat } from '../../../../lib/formats/machinery/machinery.js';
import { Header } from '../../../../lib/task/headers.js';
import type { TaskHeaders } from '../../../../lib/task/task.js';
import { GOLDEN } from '../../../support/golden.js';

const files = (folder: string, not: RegExp): string[] => readdirSync(join(GOLDEN, folder)).filter((name) => !not.test(name));
const bytes = (folder: string, name: string): Buffer => readFileSync(join(GOLDEN, folder, name));
const reading = new Formats().reading(gofortFormat);
const message = (body: Buffer | string, headers: TaskHeaders = {}): Message => ({ body: Buffer.from(body), properties: { headers } });

describe('machinery on Redis, by the bytes that it has written', () => {
  const place = { queue: 'mqr', isDead: false };

  it.each(files('machinery/redis', /score/))('%s is read, and goes to its list byte for byte', (name) => {
    const element = bytes('machinery/redis', name);
    const read = readBy(machineryPeer, element, place);
    expect(read.body.toString()).toBe(element.toString());
    const task = reading.decode(read);
    expect(task.arrived?.format).toBe('machinery');
    expect(machineryFormat.encode(task).body.toString()).toBe(element.toString());
    expect(machineryPeer.put({ body: read.body, properties: read.properties }, place, false, 0)).toEqual({ to: 'R', key: 'mqr', element: element.toString() });
  });

  it('is taken from the head of its list, and waits in its one set of all that is delayed', () => {
    expect(machineryPeer.lines(place)).toEqual([{ from: 'L', key: 'mqr' }]);
    const delayed = bytes('machinery/redis', 'delayed_tasks-member.json');
    expect(machineryPeer.put(message(delayed), place, true, 0)).toEqual({ to: 'Z', key: 'delayed_tasks', unit: 'n', element: delayed.toString() });
    const [set] = machineryPeer.timed(place);
    expect(set?.due(delayed, 0)).toEqual({ to: 'R', key: 'mqr', element: delayed.toString() });
    expect(set?.due(Buffer.from(delayed.toString().replace('"RoutingKey":"mqr"', '"RoutingKey":""')), 0)).toBe(undefined);
    expect(set?.due(Buffer.from('{'), 0)).toBe(undefined);
  });

  it('names its list in the signature, and carries our headers beside it', () => {
    const put = machineryPeer.put(message('{"UUID":"u","Name":"n","RoutingKey":"key","Headers":{"tenant":"t"}}', { tenant: 't', [Header.attempt]: 2, [Header.format]: 'machinery' }), place, false, 0);
    expect(put.element).toBe('{"UUID":"u","Name":"n","RoutingKey":"mqr","Headers":{"tenant":"t"},"dispatcher":{"x-dispatcher-attempt":2}}');
    expect(readBy(machineryPeer, Buffer.from(put.element), place).properties.headers).toEqual({ [Header.attempt]: 2, [Header.format]: 'machinery' });
  });

  it.each(['', '{}', '{"uuid":"u","name":"n","args":null}'])('refuses to publish what is no signature: %s', (body) => expect(() => machineryPeer.put(message(body), place, false, 0)).toThrow());
});

describe('Celery on Redis, by the bytes that it has written', () => {
  const place = { queue: 'cq', isDead: false };
  const shape = (text: string): unknown => {
    const envelope = JSON.parse(text) as { properties: Record<string, unknown> };
    const { delivery_tag: _, expiration: __, ...properties } = envelope.properties;
    return { ...envelope, properties };
  };

  it.each(files('celery/redis', /keys/))('%s is read, and goes to its list as it was', (name) => {
    const element = bytes('celery/redis', name);
    const read = readBy(celeryPeer, element, place);
    const task = reading.decode(read);
    expect(task.arrived?.format).toBe('celery');
    expect(celeryFormat.encode(task).body.toString()).toBe(read.body.toString());
    const put = celeryPeer.put({ body: read.body, properties: read.properties }, place, false, 0);
    expect(shape(String(put.element))).toEqual(shape(element.toString()));
    expect(put.key).toBe(name.includes('priority') ? 'cq\u0006\u00163' : 'cq');
  });

  it('has the keys that kombu has', () => {
    const keys = JSON.parse(bytes('celery/redis', 'keys.json').toString()) as Record<string, { members?: string[] }>;
    const lines = celeryPeer.lines(place).map(({ key }) => key);
    expect(lines).toEqual(['cq', 'cq\u0006\u00163', 'cq\u0006\u00166', 'cq\u0006\u00169']);
    expect(lines).toEqual(expect.arrayContaining(Object.keys(keys).filter((key) => key.startsWith('cq'))));
    const { known } = celeryPeer.put(message('x'), place, false, 0);
    expect(keys[known!.key]?.members).toEqual([known?.member]);
  });

  it('lets wait with us what is delayed, and gives each a tag of its own', () => {
    expect(celeryPeer.put(message('x'), place, true, 0)).toMatchObject({ to: 'D', key: 'cq', end: 'L' });
    const tags = [1, 2].map(() => (JSON.parse(String(celeryPeer.put(message('x'), place, false, 0).element)) as { properties: { delivery_tag: string } }).properties.delivery_tag);
    expect(tags[0]).not.toBe(tags[1]);
  });

  it('reads what gocelery writes, which is of protocol 1', () => {
    const { celery: { value } } = JSON.parse(bytes('gocelery', 'redis-after-enqueue.json').toString()) as { celery: { value: string[] } };
    expect(value.map((text) => reading.decode(readBy(celery1Peer, Buffer.from(text), { queue: 'celery', isDead: false })).arrived?.format)).toEqual(['celery1', 'celery1']);
  });

  it.each(['', '[]', '{}', '{"body":7}'])('hands on what is no envelope: %s', (text) => expect(readBy(celeryPeer, Buffer.from(text), place)).toMatchObject({ body: Buffer.from(text), routingKey: 'cq' }));
});
