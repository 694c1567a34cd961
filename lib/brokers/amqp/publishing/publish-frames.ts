import type { Outgoing } from './outgoing.js';

const METHOD_FRAME = 1;
const HEADER_FRAME = 2;
const BODY_FRAME = 3;
const FRAME_END = 0xce;
/** Type, channel and size before a frame's payload. */
const FRAME_HEAD_BYTES = 7;
const CLASS_BASIC = 60;
const METHOD_PUBLISH = 40;
const MANDATORY = 1;
/** Which properties are there, as bits in the order of the specification. */
const CONTENT_TYPE = 1 << 15;
const HEADERS = 1 << 13;
const DELIVERY_MODE = 1 << 12;
const MESSAGE_ID = 1 << 7;

const SHORT_STRING_BYTES = 255;
/** Routing keys whose bytes are kept; with more of them than this, they are encoded again now and then. */
const KEPT_TEMPLATES = 256;

/** What all messages to one address have in common: the bytes up to the message id. */
interface Template {
  readonly exchange: string;
  readonly contentType: string | undefined;
  readonly bytes: Buffer;
  /** Where the header frame begins; its size and the body's size are the only bytes in it that change. */
  readonly header: number;
}

/**
 * The frames of `basic.publish` for the plain message that nearly every task is: a content type and an id, no
 * headers. The same bytes as amqplib's, without a buffer for each frame and each step. Whatever is not plain
 * is left to amqplib, which also finds the words for what cannot be encoded at all.
 */
export class PublishFrames {
  private readonly templates = new Map<string, Template>();

  constructor(private readonly channel: number) {}

  /** The most bytes that {@link write} may need for this message; `undefined` when it is not plain. */
  sizeOf(message: Outgoing): number | undefined {
    if (!isPlain(message)) return undefined;
    return this.templateFor(message).bytes.length + 1 + SHORT_STRING_BYTES + 1 + FRAME_HEAD_BYTES + message.body.length + 1;
  }

  /** Writes the message, whose size must have been asked for, into `target` from `start` on. Returns where it ends. */
  write(message: Outgoing, target: Buffer, start: number): number {
    const { bytes, header } = this.templateFor(message);
    const { body } = message;
    target.set(bytes, start);
    let at = writeShortString(message.messageId as string, target, start + bytes.length);
    writeUInt32(target, start + header + 3, at - (start + header) - FRAME_HEAD_BYTES);
    // The upper half of the 64 bits stays 0.
    writeUInt32(target, start + header + FRAME_HEAD_BYTES + 8, body.length);
    target[at++] = FRAME_END;
    if (body.length === 0) return at;
    target[at] = BODY_FRAME;
    writeUInt16(target, at + 1, this.channel);
    writeUInt32(target, at + 3, body.length);
    target.set(body, at + FRAME_HEAD_BYTES);
    at += FRAME_HEAD_BYTES + body.length;
    target[at++] = FRAME_END;
    return at;
  }

  private templateFor({ exchange, routingKey, contentType }: Outgoing): Template {
    const known = this.templates.get(routingKey);
    if (known !== undefined && known.exchange === exchange && known.contentType === contentType) return known;
    if (this.templates.size >= KEPT_TEMPLATES) this.templates.clear();
    const template = this.makeTemplate(exchange, routingKey, contentType);
    this.templates.set(routingKey, template);
    return template;
  }

  private makeTemplate(exchange: string, routingKey: string, contentType: string | undefined): Template {
    const method = Buffer.concat([Buffer.from([0, CLASS_BASIC, 0, METHOD_PUBLISH, 0, 0]), shortString(exchange), shortString(routingKey), Buffer.from([MANDATORY])]);
    const flags = HEADERS | DELIVERY_MODE | MESSAGE_ID | (contentType === undefined ? 0 : CONTENT_TYPE);
    const fixed = Buffer.alloc(14);
    fixed.writeUInt16BE(CLASS_BASIC, 0);
    fixed.writeUInt16BE(flags, 12);
    const noHeadersAndPersistent = Buffer.from([0, 0, 0, 0, 2]);
    const header = Buffer.concat([fixed, contentType === undefined ? Buffer.alloc(0) : shortString(contentType), noHeadersAndPersistent]);
    const methodFrame = Buffer.concat([this.frameHead(METHOD_FRAME, method.length), method, Buffer.from([FRAME_END])]);
    return { exchange, contentType, bytes: Buffer.concat([methodFrame, this.frameHead(HEADER_FRAME, 0), header]), header: methodFrame.length };
  }

  private frameHead(type: number, size: number): Buffer {
    const head = Buffer.alloc(FRAME_HEAD_BYTES);
    head[0] = type;
    head.writeUInt16BE(this.channel, 1);
    head.writeUInt32BE(size, 3);
    return head;
  }
}

function isPlain(message: Outgoing): boolean {
  return message.isBare && fits(message.messageId) && fits(message.exchange) && fits(message.routingKey)
    && (message.contentType === undefined || fits(message.contentType));
}

/** Certainly no more than a short string holds: a character has three bytes at most. */
function fits(text: unknown): boolean {
  return typeof text === 'string' && text.length <= SHORT_STRING_BYTES / 3;
}

function shortString(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

/** A uuid is written faster by hand than by a call out of JavaScript. Returns where it ends. */
function writeShortString(text: string, target: Buffer, at: number): number {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127) return at + 1 + (target[at] = target.write(text, at + 1));
    target[at + 1 + i] = code;
  }
  target[at] = text.length;
  return at + 1 + text.length;
}

function writeUInt16(target: Buffer, at: number, value: number): void {
  target[at] = value >>> 8;
  target[at + 1] = value;
}

function writeUInt32(target: Buffer, at: number, value: number): void {
  target[at] = value >>> 24;
  target[at + 1] = value >>> 16;
  target[at + 2] = value >>> 8;
  target[at + 3] = value;
}
