import type { MessageProperties } from 'amqplib';
import { amqplibInside } from '../../support/amqplib-insides.js';

interface RawFrame { readonly type: number; readonly payload: Buffer; readonly rest: Buffer }
interface Decoded { readonly id?: number; readonly channel: number; readonly size?: number; readonly fields?: Record<string, unknown>; readonly content?: Buffer }
interface FrameModule { parseFrame(bytes: Buffer, max: number): RawFrame | false; decodeFrame(frame: RawFrame): Decoded }

const { parseFrame, decodeFrame } = amqplibInside<FrameModule>('frame.js');
const names = Object.entries(amqplibInside<Record<string, unknown>>('defs.js')).filter((entry): entry is [string, number] => /^(Basic|Confirm|Channel)/.test(entry[0]) && typeof entry[1] === 'number');
const METHODS = new Map(names.map(([name, id]) => [id, name]));
/** Their content follows: a header, and as much of the body as it says. */
const WITH_CONTENT = ['BasicPublish', 'BasicDeliver', 'BasicReturn', 'BasicGetOk'];
/** What a client says first. */
const PROTOCOL_HEADER_BYTES = 8;

/** One method of AMQP, with the message that goes with it. */
export interface Method {
  readonly name: string;
  readonly channel: number;
  readonly fields: Record<string, unknown>;
  readonly properties?: Partial<MessageProperties>;
  readonly body?: Buffer;
}

interface Unfinished { method: Method; bytes: number; parts: Buffer[]; properties: Partial<MessageProperties> }

/** Reads what one end of a connection says, in whatever pieces it comes, as methods. */
export class Frames {
  private rest = Buffer.alloc(0);
  private skip: number;
  private readonly unfinished = new Map<number, Unfinished>();

  constructor(from: 'client' | 'server') {
    this.skip = from === 'client' ? PROTOCOL_HEADER_BYTES : 0;
  }

  read(data: Buffer): Method[] {
    this.rest = Buffer.concat([this.rest, data]);
    if (this.rest.length < this.skip) return [];
    this.rest = this.rest.subarray(this.skip);
    this.skip = 0;
    const methods: Method[] = [];
    for (let frame = parseFrame(this.rest, 0); frame !== false; frame = parseFrame(this.rest, 0)) {
      this.rest = Buffer.from(frame.rest);
      const method = this.take(decodeFrame(frame));
      if (method !== undefined) methods.push(method);
    }
    return methods;
  }

  private take({ id, channel, size, fields = {}, content }: Decoded): Method | undefined {
    const unfinished = this.unfinished.get(channel);
    if (content !== undefined) {
      if (unfinished === undefined) return undefined;
      unfinished.parts.push(Buffer.from(content));
      return this.finish(channel, unfinished);
    }
    if (size !== undefined) {
      if (unfinished === undefined) return undefined;
      Object.assign(unfinished, { bytes: size, properties: fields });
      return this.finish(channel, unfinished);
    }
    const name = id === undefined ? undefined : METHODS.get(id);
    if (name === undefined) return undefined;
    const method = { name, channel, fields };
    if (!WITH_CONTENT.includes(name)) return method;
    this.unfinished.set(channel, { method, bytes: Infinity, parts: [], properties: {} });
    return undefined;
  }

  private finish(channel: number, { method, bytes, parts, properties }: Unfinished): Method | undefined {
    const body = Buffer.concat(parts);
    if (body.length < bytes) return undefined;
    this.unfinished.delete(channel);
    return { ...method, properties, body };
  }
}
