import { ByteWriter } from '../../../amqp/byte-writer.js';
import type { Outgoing } from './outgoing.js';
import { writeProperties } from './write-properties.js';

const METHOD_FRAME = 1;
const HEADER_FRAME = 2;
const BODY_FRAME = 3;
const FRAME_END = 0xce;
/** Type, channel and size before a frame's payload; one byte ends it. */
const FRAME_OVERHEAD_BYTES = 8;
const CLASS_BASIC = 60;
const METHOD_PUBLISH = 40;
const MANDATORY = 1;
/** Up to this size everything is one piece. */
const ONE_PIECE_BYTES = 64 * 1024;

/** Its properties are larger than one frame of this connection, and they may have no more than one. */
export class HeaderFrameTooLarge extends Error {
  constructor(readonly bytes: number, readonly maxBytes: number) {
    super(`its headers and properties take ${bytes} bytes; the server takes ${maxBytes} (frame_max)`);
  }
}

/** The frames of `basic.publish` for any message, none larger than what was negotiated. */
export class MessageFrames {
  private readonly writer = new ByteWriter();

  constructor(private readonly channel: number, private readonly frameMax: number) {}

  /**
   * In the order in which they are to be sent.
   * @throws HeaderFrameTooLarge; TypeError, RangeError for what AMQP cannot say
   */
  of(message: Outgoing): Buffer[] {
    const { writer } = this;
    try {
      this.writeMethod(message);
      this.writeHeader(message);
      const { body } = message;
      if (body.length > 0 && writer.length + body.length <= ONE_PIECE_BYTES && body.length <= this.largestPayload) {
        this.writeBody(body);
        return [writer.take()];
      }
      const pieces = [writer.take()];
      for (let at = 0; at < body.length; at += this.largestPayload) {
        this.writeBody(body.subarray(at, Math.min(body.length, at + this.largestPayload)));
        pieces.push(writer.take());
      }
      return pieces;
    } finally {
      writer.clear();
    }
  }

  private get largestPayload(): number {
    return this.frameMax - FRAME_OVERHEAD_BYTES;
  }

  private writeMethod({ exchange, routingKey }: Outgoing): void {
    const start = this.startFrame(METHOD_FRAME);
    this.writer.uint16(CLASS_BASIC);
    this.writer.uint16(METHOD_PUBLISH);
    this.writer.uint16(0);
    this.writer.shortString(exchange, 'the exchange');
    this.writer.shortString(routingKey, 'the routing key');
    this.writer.byte(MANDATORY);
    this.endFrame(start);
  }

  private writeHeader(message: Outgoing): void {
    const start = this.startFrame(HEADER_FRAME);
    this.writer.uint16(CLASS_BASIC);
    this.writer.uint16(0);
    this.writer.uint64(message.body.length);
    writeProperties(this.writer, message);
    const bytes = this.writer.length - start;
    if (bytes > this.largestPayload) throw new HeaderFrameTooLarge(bytes, this.largestPayload);
    this.endFrame(start);
  }

  private writeBody(payload: Buffer): void {
    const start = this.startFrame(BODY_FRAME);
    this.writer.copy(payload, 0, payload.length);
    this.endFrame(start);
  }

  private startFrame(type: number): number {
    this.writer.byte(type);
    this.writer.uint16(this.channel);
    return this.writer.startSized();
  }

  private endFrame(start: number): void {
    this.writer.endSized(start);
    this.writer.byte(FRAME_END);
  }
}
