import type { Address, Message, MessageProperties } from '../broker.js';

/**
 * A message as Redis keeps it: the length of what follows, 4 bytes, big endian; that, JSON with `to` (`q` one queue, `k` a
 * routing key), `name` and the properties under their own names; then the body as it is.
 */
const LENGTH_BYTES = 4;

interface Envelope extends MessageProperties {
  to: 'q' | 'k';
  name: string;
}

export interface StoredMessage extends Message {
  readonly exchange: string;
  readonly routingKey: string;
}

export function encodeMessage({ body, properties }: Message, address: Address): Buffer {
  const { contentType, contentEncoding, headers, messageId, correlationId, replyTo, type, appId, timestamp, priority } = properties;
  const [to, name] = 'queue' in address ? ['q' as const, address.queue] : ['k' as const, address.routingKey];
  const envelope: Envelope = { to, name, contentType, contentEncoding, headers, messageId, correlationId, replyTo, type, appId, timestamp, priority };
  const text = JSON.stringify(envelope);
  const length = Buffer.byteLength(text);
  const record = Buffer.allocUnsafe(LENGTH_BYTES + length + body.length);
  record.writeUInt32BE(length, 0);
  record.write(text, LENGTH_BYTES);
  body.copy(record, LENGTH_BYTES + length);
  return record;
}

/**
 * @param exchange whose message it is
 * @throws Error for what this library has not written
 */
export function decodeMessage(record: Buffer, exchange: string): StoredMessage {
  const bodyAt = LENGTH_BYTES + record.readUInt32BE(0);
  if (bodyAt > record.length) throw new RangeError(`its envelope ends at byte ${bodyAt} of ${record.length}`);
  const { to, name, ...properties } = JSON.parse(record.toString('utf8', LENGTH_BYTES, bodyAt)) as Envelope;
  return { body: record.subarray(bodyAt), properties, exchange: to === 'q' ? '' : exchange, routingKey: name };
}
