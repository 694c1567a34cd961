import type { ConsumeMessage } from 'amqplib';
import { Interned } from './interned.js';

const METHOD_FRAME = 1;
const HEADER_FRAME = 2;
const BODY_FRAME = 3;
const FRAME_END = 0xce;
/** Type, channel and size before a frame's payload; one byte ends it. */
const HEAD_BYTES = 7;
const CLASS_BASIC = 60;
const METHOD_DELIVER = 60;
const METHOD_BYTES = 4;
/** Behind class, weight and size of the body. */
const FLAGS_AT = 12;
const CONTENT_TYPE = 1 << 15;
const HEADERS = 1 << 13;
const DELIVERY_MODE = 1 << 12;
const MESSAGE_ID = 1 << 7;
/** What stands for bytes that are not UTF-8. */
const REPLACED = '\ufffd';
const KNOWN = CONTENT_TYPE | HEADERS | DELIVERY_MODE | MESSAGE_ID;

/** A delivery that has arrived whole, as amqplib gives it to a consumer, and where the next frame begins. */
export interface ReadDelivery {
  readonly message: ConsumeMessage;
  readonly channel: number;
  readonly end: number;
}

/**
 * Reads the plain delivery that nearly every task is (no headers, a body of one frame) in one step, without an
 * object and a view for each of its three frames. Whatever is not plain, not whole or not right is left to amqplib.
 */
export class DeliveryFrames {
  private readonly names = new Interned();

  /** `undefined` when something else begins at `start`. */
  read(bytes: Buffer, start: number, largestFrame: number): ReadDelivery | undefined {
    const header = endOfFrame(bytes, start, METHOD_FRAME, largestFrame);
    if (header === undefined || !isDeliver(bytes, start + HEAD_BYTES)) return undefined;
    const body = endOfFrame(bytes, header, HEADER_FRAME, largestFrame);
    if (body === undefined || !isSameChannel(bytes, start, header)) return undefined;
    const size = sizeOfBody(bytes, header + HEAD_BYTES);
    // An empty body has no frame.
    const end = size === 0 ? body : endOfFrame(bytes, body, BODY_FRAME, largestFrame);
    if (end === undefined || (size > 0 && (end - body - HEAD_BYTES - 1 !== size || !isSameChannel(bytes, start, body)))) return undefined;
    const fields = this.fields(bytes, start + HEAD_BYTES + METHOD_BYTES, header - 1);
    const properties = this.properties(bytes, header + HEAD_BYTES + FLAGS_AT, body - 1);
    if (fields === undefined || properties === undefined) return undefined;
    const content = size === 0 ? Buffer.alloc(0) : bytes.subarray(body + HEAD_BYTES, end - 1);
    return { message: { fields, properties, content }, channel: readUInt16(bytes, start + 1), end };
  }

  private fields(bytes: Buffer, start: number, end: number): ConsumeMessage['fields'] | undefined {
    const consumerTag = this.names.read(bytes, start);
    let at = start + 1 + byteAt(bytes, start);
    const deliveryTag = readUInt32(bytes, at) * 2 ** 32 + readUInt32(bytes, at + 4);
    const redelivered = (byteAt(bytes, at + 8) & 1) === 1;
    at += 9;
    const exchange = this.names.read(bytes, at);
    at += 1 + byteAt(bytes, at);
    const routingKey = this.names.read(bytes, at);
    // Lengths that do not add up are not ours to judge.
    return at + 1 + byteAt(bytes, at) === end ? { consumerTag, deliveryTag, redelivered, exchange, routingKey } : undefined;
  }

  private properties(bytes: Buffer, start: number, end: number): ConsumeMessage['properties'] | undefined {
    const flags = readUInt16(bytes, start);
    if ((flags & ~KNOWN) !== 0) return undefined;
    let at = start + 2;
    let contentType: string | undefined;
    let headers: Record<string, never> | undefined;
    let deliveryMode: number | undefined;
    let messageId: string | undefined;
    if ((flags & CONTENT_TYPE) !== 0) {
      contentType = this.names.read(bytes, at);
      at += 1 + byteAt(bytes, at);
    }
    if ((flags & HEADERS) !== 0) {
      if (readUInt32(bytes, at) !== 0) return undefined;
      headers = {};
      at += 4;
    }
    if ((flags & DELIVERY_MODE) !== 0) deliveryMode = bytes[at++];
    if ((flags & MESSAGE_ID) !== 0) {
      const idEnd = at + 1 + byteAt(bytes, at);
      messageId = bytes.toString('utf8', at + 1, idEnd);
      at = idEnd;
    }
    // Text that was not UTF-8 must be known as it came, to be sent on.
    if (at !== end || messageId?.includes(REPLACED) === true || contentType?.includes(REPLACED) === true) return undefined;
    return {
      contentType, contentEncoding: undefined, headers, deliveryMode, priority: undefined, correlationId: undefined, replyTo: undefined, expiration: undefined,
      messageId, timestamp: undefined, type: undefined, userId: undefined, appId: undefined, clusterId: undefined,
    };
  }
}

function isDeliver(bytes: Buffer, at: number): boolean {
  return bytes[at] === 0 && bytes[at + 1] === CLASS_BASIC && bytes[at + 2] === 0 && bytes[at + 3] === METHOD_DELIVER;
}

function isSameChannel(bytes: Buffer, one: number, other: number): boolean {
  return bytes[one + 1] === bytes[other + 1] && bytes[one + 2] === bytes[other + 2];
}

/** Beyond four bytes, or where the header is no header of a message, no body frame fits it. */
function sizeOfBody(bytes: Buffer, at: number): number {
  const isHeader = readUInt16(bytes, at) === CLASS_BASIC;
  return isHeader && readUInt32(bytes, at + 4) === 0 ? readUInt32(bytes, at + 8) : Infinity;
}

/** Where the frame ends that begins at `at`; `undefined` when it is not whole, of another type, or none that amqplib would take. */
function endOfFrame(bytes: Buffer, at: number, type: number, largestFrame: number): number | undefined {
  if (bytes.length < at + HEAD_BYTES || bytes[at] !== type) return undefined;
  const size = readUInt32(bytes, at + 3);
  const end = at + HEAD_BYTES + size + 1;
  if (end > bytes.length || (largestFrame > 0 && size > largestFrame) || bytes[end - 1] !== FRAME_END) return undefined;
  return end;
}

function readUInt16(bytes: Buffer, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

function readUInt32(bytes: Buffer, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/** Lengths may lead out of the buffer: they do not add up then, whatever is read there. */
function byteAt(bytes: Buffer, at: number): number {
  return bytes[at] ?? 0;
}
