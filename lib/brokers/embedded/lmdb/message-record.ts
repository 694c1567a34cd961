import type { TaskHeaders } from '../../../task/task.js';
import type { Message, MessageProperties } from '../../broker.js';

/**
 * A message as it lies in the tables. A part of fixed length, which changes while the message moves
 * between tables, then what never changes: texts, headers, and the body unless it is large.
 *
 *     0  u32 deliveryCount   4  u32 queue   8  f64 bodyId (0: the body is in here)
 *     16 u32 body size       20 u16 which of the fields below are there, and whether it was given back
 *
 * Big endian. A change here needs a new format version (`format-marker.ts`).
 */
const COUNT_AT = 0;
const QUEUE_AT = 4;
const BODY_ID_AT = 8;
const BODY_SIZE_AT = 16;
const MASK_AT = 20;
const FIXED_BYTES = 22;

/** Larger bodies are kept apart, so that taking a message does not move them. */
export const LARGEST_INLINE_BODY = 4096;

/** In the queue's place, for a delayed message whose routing key decides when it is due. Queues count from 1. */
export const ROUTED_WHEN_DUE = 0;

const TEXTS = ['contentType', 'contentEncoding', 'messageId', 'correlationId', 'replyTo', 'type', 'appId'] as const;
const NUMBERS = ['timestamp', 'priority'] as const;
const HEADERS_BIT = 1 << 14;
/** Versions that do not know it copy it, and see a message that was not delivered before. */
const RETURNED_BIT = 1 << 15;

export interface DecodedRecord {
  readonly exchange: string;
  readonly routingKey: string;
  readonly properties: MessageProperties;
  /** `undefined`: kept apart, see {@link bodyIdOf}. */
  readonly body: Buffer | undefined;
}

/** The queue is filled in by {@link addressRecord}, for each queue that gets a copy. */
export function encodeRecord(message: Message, exchange: string, routingKey: string): Buffer {
  const { body, properties } = message;
  let mask = 0;
  const texts = [exchange, routingKey];
  TEXTS.forEach((name, bit) => {
    const text = properties[name];
    if (text === undefined) return;
    mask |= 1 << bit;
    texts.push(text);
  });
  const numbers: number[] = [];
  NUMBERS.forEach((name, bit) => {
    const value = properties[name];
    if (value === undefined) return;
    mask |= 1 << (TEXTS.length + bit);
    numbers.push(value);
  });
  if (properties.headers !== undefined) {
    mask |= HEADERS_BIT;
    texts.push(JSON.stringify(properties.headers));
  }
  return writeRecord(mask, texts, numbers, body);
}

function writeRecord(mask: number, texts: readonly string[], numbers: readonly number[], body: Buffer): Buffer {
  const inline = body.length <= LARGEST_INLINE_BODY;
  let size = FIXED_BYTES + numbers.length * 8 + (inline ? body.length : 0);
  for (const text of texts) size += 4 + Buffer.byteLength(text);
  const record = Buffer.allocUnsafe(size);
  record.fill(0, 0, BODY_SIZE_AT);
  record.writeUInt32BE(body.length, BODY_SIZE_AT);
  record.writeUInt16BE(mask, MASK_AT);
  let at = FIXED_BYTES;
  for (const value of numbers) at = record.writeDoubleBE(value, at);
  for (const text of texts) {
    const length = record.write(text, at + 4);
    record.writeUInt32BE(length, at);
    at += 4 + length;
  }
  if (inline) body.copy(record, at);
  return record;
}

export function decodeRecord(record: Buffer): DecodedRecord {
  const mask = record.readUInt16BE(MASK_AT);
  const properties: MessageProperties = {};
  let at = FIXED_BYTES;
  NUMBERS.forEach((name, bit) => {
    if ((mask & (1 << (TEXTS.length + bit))) === 0) return;
    properties[name] = record.readDoubleBE(at);
    at += 8;
  });
  const text = (): string => {
    const start = at + 4;
    at = start + record.readUInt32BE(at);
    return record.toString('utf8', start, at);
  };
  const exchange = text();
  const routingKey = text();
  TEXTS.forEach((name, bit) => {
    if ((mask & (1 << bit)) !== 0) properties[name] = text();
  });
  if ((mask & HEADERS_BIT) !== 0) properties.headers = JSON.parse(text()) as TaskHeaders;
  return { exchange, routingKey, properties, body: bodyIdOf(record) === 0 ? record.subarray(at) : undefined };
}

export function addressRecord(record: Buffer, queueId: number, bodyId: number): void {
  record.writeUInt32BE(queueId, QUEUE_AT);
  record.writeDoubleBE(bodyId, BODY_ID_AT);
}

export function queueOf(record: Buffer): number {
  return record.readUInt32BE(QUEUE_AT);
}

export function bodyIdOf(record: Buffer): number {
  return record.readDoubleBE(BODY_ID_AT);
}

export function bodySizeOf(record: Buffer): number {
  return record.readUInt32BE(BODY_SIZE_AT);
}

/** Given back in order, by a process that went on. */
export function markReturned(record: Buffer): void {
  record.writeUInt16BE(record.readUInt16BE(MASK_AT) | RETURNED_BIT, MASK_AT);
}

export function wasReturned(record: Buffer): boolean {
  return (record.readUInt16BE(MASK_AT) & RETURNED_BIT) !== 0;
}

/** How often a process died that held it. */
export function deliveryCountOf(record: Buffer): number {
  return record.readUInt32BE(COUNT_AT);
}

export function setDeliveryCount(record: Buffer, count: number): void {
  // More than four billion deaths look like four billion.
  record.writeUInt32BE(Math.min(count, 0xffff_ffff), COUNT_AT);
}
