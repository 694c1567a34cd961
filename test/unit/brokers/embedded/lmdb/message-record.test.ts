import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MessageProperties } from '../../../../../lib/brokers/broker.js';
import { bodyKey, delayedKey, dueTimeOf, orderOfReady, orderOfTaken, readyKey, takenKey } from '../../../../../lib/brokers/embedded/lmdb/keys.js';
import {
  addressRecord, bodyIdOf, bodySizeOf, decodeRecord, deliveryCountOf, encodeRecord, LARGEST_INLINE_BODY, queueOf, setDeliveryCount, markReturned, wasReturned,
} from '../../../../../lib/brokers/embedded/lmdb/message-record.js';
import type { TaskHeaders } from '../../../../../lib/task/task.js';

const text = fc.string({ unit: 'binary' });
// JSON has no negative zero, and AMQP tables neither.
const headers = fc.dictionary(text, fc.jsonValue()).map((value) => JSON.parse(JSON.stringify(value)) as TaskHeaders);
const properties: fc.Arbitrary<MessageProperties> = fc.record({
  contentType: text, contentEncoding: text, headers, messageId: text, correlationId: text, replyTo: text, type: text, appId: text,
  timestamp: fc.nat(), priority: fc.nat(255),
}, { requiredKeys: [] });

describe('a message record', () => {
  it('gives back every property and every byte', () => {
    fc.assert(fc.property(properties, fc.uint8Array({ maxLength: 300 }), text, text, (given, bytes, exchange, routingKey) => {
      const decoded = decodeRecord(encodeRecord({ body: Buffer.from(bytes), properties: given }, exchange, routingKey));
      expect(decoded.properties).toEqual(given);
      expect([decoded.exchange, decoded.routingKey]).toEqual([exchange, routingKey]);
      expect(Buffer.compare(decoded.body as Buffer, bytes)).toBe(0);
    }));
  });

  it('keeps a header called __proto__', () => {
    const given = JSON.parse('{"__proto__":{"a":1}}') as TaskHeaders;
    const { properties: { headers: found } } = decodeRecord(encodeRecord({ body: Buffer.alloc(0), properties: { headers: given } }, 'x', 'k'));
    expect(JSON.stringify(found)).toBe('{"__proto__":{"a":1}}');
  });

  it('changes queue, body and count in place, and nothing else', () => {
    const record = encodeRecord({ body: Buffer.from('body'), properties: { messageId: 'id' } }, 'x', 'k');
    expect([deliveryCountOf(record), queueOf(record), bodyIdOf(record), bodySizeOf(record)]).toEqual([0, 0, 0, 4]);
    addressRecord(record, 7, 0);
    setDeliveryCount(record, 3);
    expect([deliveryCountOf(record), queueOf(record), wasReturned(record)]).toEqual([3, 7, false]);
    markReturned(record);
    expect([deliveryCountOf(record), wasReturned(record), decodeRecord(record).properties]).toEqual([3, true, { messageId: 'id' }]);
    expect(decodeRecord(record)).toMatchObject({ exchange: 'x', routingKey: 'k', properties: { messageId: 'id' }, body: Buffer.from('body') });
  });

  it('leaves a large body out, and knows its size', () => {
    const record = encodeRecord({ body: Buffer.alloc(LARGEST_INLINE_BODY + 1), properties: {} }, 'x', 'k');
    addressRecord(record, 1, 2 ** 40);
    expect(record.length).toBeLessThan(100);
    expect([bodyIdOf(record), bodySizeOf(record), decodeRecord(record).body]).toEqual([2 ** 40, LARGEST_INLINE_BODY + 1, undefined]);
  });
});

describe('keys', () => {
  const number = fc.nat(Number.MAX_SAFE_INTEGER);
  const queue = fc.nat(0xffff_ffff);

  it('sort as their numbers do', () => {
    fc.assert(fc.property(queue, number, queue, number, (queueA, a, queueB, b) => {
      const expected = Math.sign(queueA - queueB || a - b);
      expect(Buffer.compare(readyKey(queueA, a), readyKey(queueB, b))).toBe(expected);
      expect(Buffer.compare(takenKey(1, queueA, a), takenKey(1, queueB, b))).toBe(expected);
      expect(Math.sign(Buffer.compare(delayedKey(a, queueA), delayedKey(b, queueB)))).toBe(Math.sign(a - b || queueA - queueB));
      expect(Math.sign(Buffer.compare(bodyKey(a, queueA), bodyKey(b, queueB)))).toBe(Math.sign(a - b || queueA - queueB));
    }));
  });

  it('give their numbers back', () => {
    fc.assert(fc.property(queue, number, (queueId, order) => {
      expect([orderOfReady(readyKey(queueId, order)), orderOfTaken(takenKey(5, queueId, order)), dueTimeOf(delayedKey(order, 1))]).toEqual([order, order, order]);
    }));
  });
});
