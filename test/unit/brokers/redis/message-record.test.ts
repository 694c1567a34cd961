import { describe, expect, it } from 'vitest';
import { decodeMessage, encodeMessage } from '../../../../lib/brokers/redis/message-record.js';

describe('a message as Redis keeps it', () => {
  it.each([
    ['to a key, with every property', { routingKey: 'schlüssel ☃' }, { contentType: 'a/b', contentEncoding: 'c', headers: { n: 1, deep: { list: [1, 'two', null, true] }, __proto: 'x' }, messageId: 'id', correlationId: 'c', replyTo: 'r', type: 't', appId: 'a', timestamp: 5, priority: 3 }, Buffer.from('body')],
    ['to a queue, with none', { queue: 'q' }, {}, Buffer.alloc(0)],
    ['whose body is any bytes', { queue: 'q' }, { headers: {} }, Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))],
  ])('comes back as it was: %s', (_, address, properties, body) => {
    const { body: read, properties: found, exchange, routingKey } = decodeMessage(encodeMessage({ body, properties }, address), 'x');
    expect(read.equals(body)).toBe(true);
    expect(found).toEqual(properties);
    expect([exchange, routingKey]).toEqual('queue' in address ? ['', address.queue] : ['x', address.routingKey]);
  });

  it('is its own copy', () => {
    const body = Buffer.from('before');
    const record = encodeMessage({ body, properties: {} }, { queue: 'q' });
    body.write('after!');
    expect(decodeMessage(record, 'x').body.toString()).toBe('before');
  });

  it.each([['nothing', Buffer.alloc(0)], ['cut off', Buffer.from([0, 0, 0, 9, 123])], ['no JSON', Buffer.from([0, 0, 0, 1, 120])], ['absurd', Buffer.from([255, 255, 255, 255, 1])]])('that is none (%s) is refused', (_, record) => {
    expect(() => decodeMessage(record, 'x')).toThrow(Error);
  });

  it('whose headers JSON cannot say is refused when it is written', () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    expect(() => encodeMessage({ body: Buffer.alloc(0), properties: { headers: circle as never } }, { queue: 'q' })).toThrow(TypeError);
  });
});
