import { PassThrough, Writable } from 'node:stream';
import { setImmediate as nextPhase } from 'node:timers/promises';
import type { ConfirmChannel } from 'amqplib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MessageProperties } from '../../../../../lib/brokers/broker.js';
import { FrameBatch } from '../../../../../lib/brokers/amqp/publishing/frame-batch.js';
import { Outgoing } from '../../../../../lib/brokers/amqp/publishing/outgoing.js';
import { amqplibInside } from '../../../../support/amqplib-insides.js';

type Send = (channel: number, method: number, fields: object, header: number, properties: object, content: Buffer) => void;

const { Connection } = amqplibInside<{ Connection: { prototype: { sendMessage: Send; sendContent: unknown } } }>('connection.js');
const { Mux } = amqplibInside<{ Mux: new (socket: Writable) => { pipeFrom(stream: PassThrough): void } }>('mux.js');
const defs = amqplibInside<{ BasicPublish: number; BasicProperties: number }>('defs.js');

/** amqplib's own way of sending, with the socket's place taken by a list. */
class Wire {
  readonly written: Buffer[] = [];
  readonly connection = {
    frameMax: 131_072, sentSinceLastCheck: false, channels: [null, { buffer: { write: (chunk: Buffer) => this.written.push(Buffer.from(chunk)) } }] as unknown[],
    sendMessage: Connection.prototype.sendMessage, sendContent: Connection.prototype.sendContent,
  };
  readonly channel = { ch: 1, connection: this.connection, sendMessage: (...args: Parameters<Wire['send']>) => this.send(...args) };

  send(fields: object, properties: object, content: Buffer): void {
    this.connection.sendMessage(1, defs.BasicPublish, fields, defs.BasicProperties, properties, content);
  }

  batch(): FrameBatch {
    return FrameBatch.of(this.channel as unknown as ConfirmChannel)!;
  }

  get bytes(): Buffer { return Buffer.concat(this.written); }
}

/** The socket and what amqplib has before it are real streams; the socket takes its time where it is told to. */
class Streams {
  readonly arrived: Buffer[] = [];
  readonly wire = new Wire();
  readonly socket: Writable;
  readonly buffer = new PassThrough({ objectMode: true, highWaterMark: 1024 });

  constructor(isSlow: boolean) {
    const take = (chunk: Buffer, done: () => void): void => { this.arrived.push(Buffer.from(chunk)); done(); };
    this.socket = new Writable({
      highWaterMark: isSlow ? 512 : 1024 * 1024,
      write: (chunk: Buffer, _, done) => (isSlow ? void setImmediate(take.bind(this), chunk, done) : take(chunk, done)),
    });
    new Mux(this.socket).pipeFrom(this.buffer);
    this.wire.connection.channels[1] = { buffer: this.buffer };
    Object.assign(this.wire.connection, { stream: this.socket });
  }

  async settled(): Promise<Buffer> {
    while (this.buffer.readableLength + this.buffer.writableLength + this.socket.writableLength > 0) await nextPhase();
    return Buffer.concat(this.arrived);
  }
}

const outgoing = (body: Buffer, properties: MessageProperties = {}, exchange = 'exchange', routingKey = 'key'): Outgoing =>
  new Outgoing({ body, properties }, exchange, routingKey, Infinity);
const plain = (body = 'x'): Outgoing => outgoing(Buffer.from(body), { messageId: 'id' });

describe('FrameBatch', () => {
  it('writes what amqplib would write, byte for byte, in the same order', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 40 });
    const message = fc.record({
      body: fc.oneof({ arbitrary: fc.uint8Array({ maxLength: 300 }), weight: 5 }, { arbitrary: fc.integer({ min: 15_000, max: 40_000 }).map((size) => new Uint8Array(size).fill(7)), weight: 1 }),
      exchange: fc.constantFrom('exchange', '', 'Börse'),
      routingKey: fc.oneof(fc.constantFrom('one', 'two', ''), text),
      properties: fc.record({
        messageId: fc.oneof(fc.uuid(), text), contentType: fc.constantFrom('application/json', undefined),
        headers: fc.constantFrom(undefined, { a: 1 }), priority: fc.constantFrom(undefined, undefined, 3),
      }),
    });
    fc.assert(fc.property(fc.array(message, { maxLength: 60 }), (messages) => {
      const [ours, theirs] = [new Wire(), new Wire()];
      const batch = ours.batch();
      for (const { body, properties, exchange, routingKey } of messages) {
        const one = outgoing(Buffer.from(body), properties, exchange, routingKey);
        theirs.send(one, one, one.body);
        if (!batch.add(one)) batch.send(one);
      }
      batch.flush();
      expect(ours.bytes.equals(theirs.bytes)).toBe(true);
    }));
  });

  it('writes the messages of one turn in one piece, with headers or without, at the end of the turn', async () => {
    const wire = new Wire();
    const batch = wire.batch();
    for (let i = 0; i < 100; i++) await Promise.resolve(expect(batch.add(plain())).toBe(true));
    for (let i = 0; i < 100; i++) await Promise.resolve(expect(batch.send(outgoing(Buffer.from('x'), { messageId: 'id', headers: { a: i } }))).toBe('sent'));
    expect(wire.written).toHaveLength(0);
    await new Promise((resolve) => setImmediate(resolve));
    expect(wire.written).toHaveLength(1);
    expect(wire.connection.sentSinceLastCheck).toBe(true);
  });

  it('does not wait for a later phase of the event loop where nothing of its channel waits', () => {
    const { wire, arrived } = new Streams(false);
    const batch = wire.batch();
    batch.add(plain());
    batch.flush();
    expect(arrived).toHaveLength(1);
    const large = outgoing(Buffer.alloc(40_000), { messageId: 'id' });
    expect(batch.add(large)).toBe(false);
    wire.send(large, large, large.body);
    batch.add(plain());
    batch.flush();
    expect(arrived).toHaveLength(1);
  });

  it('keeps the order of its channel through amqplib\'s own buffer and a socket that is slow', async () => {
    const step = fc.oneof({ arbitrary: fc.integer({ min: 0, max: 400 }), weight: 6 }, fc.integer({ min: 16_000, max: 40_000 }), fc.constantFrom('flush', 'tick', 'phase'));
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.boolean(), async (steps, isSlow) => {
      const [streams, theirs] = [new Streams(isSlow), new Wire()];
      const batch = streams.wire.batch();
      for (const [i, one] of steps.entries()) {
        if (one === 'flush') batch.flush();
        else if (one === 'tick') await Promise.resolve();
        else if (one === 'phase') await nextPhase();
        else {
          const message = outgoing(Buffer.alloc(one as number, i), { messageId: `id ${i}`, ...(i % 3 === 0 ? { headers: { a: i } } : {}) });
          theirs.send(message, message, message.body);
          if (!batch.add(message)) batch.send(message);
        }
      }
      batch.flush();
      expect((await streams.settled()).equals(theirs.bytes)).toBe(true);
    }), { numRuns: 100 });
  });

  it('never touches again what it has handed over', async () => {
    const wire = new Wire();
    const kept: Buffer[] = [];
    wire.connection.channels[1] = { buffer: { write: (chunk: Buffer) => kept.push(chunk) } };
    const batch = wire.batch();
    const copies: Buffer[] = [];
    for (let i = 0; i < 2_000; i++) {
      batch.add(plain('x'.repeat(i % 90)));
      if (i % 7 === 0) batch.flush();
      while (copies.length < kept.length) copies.push(Buffer.from(kept[copies.length]!));
    }
    batch.flush();
    expect(copies.every((copy, i) => copy.equals(kept[i]!))).toBe(true);
  });

  it('sends nothing on a channel or connection that has begun to close', () => {
    for (const close of [
      (wire: Wire) => { wire.channel.sendMessage = () => { throw new Error('closing'); }; },
      (wire: Wire) => { wire.connection.sendMessage = () => { throw new Error('closing'); }; },
      (wire: Wire) => { wire.connection.channels[1] = null; },
    ]) {
      const wire = new Wire();
      const batch = wire.batch();
      expect(batch.add(plain())).toBe(true);
      close(wire);
      batch.flush();
      expect(batch.add(plain())).toBe(false);
      expect(wire.written).toHaveLength(0);
    }
  });

  it('leaves everything to amqplib where its insides have changed', () => {
    expect(FrameBatch.of({} as ConfirmChannel)).toBeUndefined();
    expect(FrameBatch.of({ ch: 1, sendMessage() { return true; }, connection: { sendMessage() { return true; }, frameMax: 4096, channels: [] } } as unknown as ConfirmChannel)).toBeUndefined();
  });
});
