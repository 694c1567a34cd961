import { ReceivedProperties } from './received-properties.js';

const HEADER_FRAME = 2;
const FRAME_END = 0xce;
/** Type, channel and size before a frame's payload; one byte ends it. */
const HEAD_BYTES = 7;
const CLASS_BASIC = 60;
/** Class, weight and size of the body, before the flags. */
const FLAGS_AT = 12;

/** What this uses of amqplib 2 below its API. */
interface RawConnection {
  /** What was read from the socket and is not taken yet. */
  rest: Buffer;
  readonly maxFrameSize: number;
  recvFrame(): unknown;
}

/** What amqplib knows of a header frame; `fields` is what becomes a message's properties. */
interface HeaderFrame {
  readonly id: number;
  readonly channel: number;
  readonly size: number;
  readonly fields: Record<string, unknown>;
}

/**
 * Reads the properties of messages in amqplib's place: beside what it makes of them they have `received`, their bytes, so
 * that they can be written again as they were; and nothing in them ends the connection or becomes more than data.
 * Where amqplib's insides are not as they were, its own reading stays. Returns whether they were.
 */
export function keepReceivedHeaders(connection: unknown): boolean {
  const raw = connection as Partial<RawConnection>;
  if (typeof raw.recvFrame !== 'function' || !Buffer.isBuffer(raw.rest) || typeof raw.maxFrameSize !== 'number') return false;
  const { recvFrame } = raw;
  raw.recvFrame = function received(this: RawConnection): unknown {
    const bytes = this.rest;
    if (bytes.length < HEAD_BYTES || bytes[0] !== HEADER_FRAME) return recvFrame.call(this);
    const end = HEAD_BYTES + bytes.readUInt32BE(3);
    const frame = end < bytes.length && bytes[end] === FRAME_END && (this.maxFrameSize === 0 || end - HEAD_BYTES <= this.maxFrameSize)
      ? readHeaderFrame(bytes, end) : undefined;
    // Not whole yet, or not right: amqplib waits for the rest, or finds the words for it.
    if (frame === undefined) return recvFrame.call(this);
    this.rest = bytes.subarray(end + 1);
    return frame;
  };
  return true;
}

function readHeaderFrame(bytes: Buffer, end: number): HeaderFrame | undefined {
  if (end < HEAD_BYTES + FLAGS_AT || bytes.readUInt16BE(HEAD_BYTES) !== CLASS_BASIC) return undefined;
  const received = ReceivedProperties.read(bytes.subarray(HEAD_BYTES + FLAGS_AT, end));
  if (received === undefined) return undefined;
  const fields = received.viewAll();
  fields['received'] = received;
  return { id: CLASS_BASIC, channel: bytes.readUInt16BE(1), size: Number(bytes.readBigInt64BE(HEAD_BYTES + 4)), fields };
}
