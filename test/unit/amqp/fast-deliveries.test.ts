import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import type { ConsumeMessage } from 'amqplib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { takeDeliveries } from '../../../lib/amqp/fast-deliveries.js';
import { amqplibInside } from '../../support/amqplib-insides.js';

interface RawConnection extends EventEmitter {
  rest: Buffer;
  accept: unknown;
  channels: unknown[];
  acceptLoop(): void;
}
type Fields = Record<string, unknown>;
interface Defs {
  BasicDeliver: number; BasicProperties: number; BasicAck: number;
  encodeMethod(method: number, channel: number, fields: Fields): Buffer;
  encodeProperties(type: number, channel: number, size: number, fields: Fields): Buffer;
}

const { Connection } = amqplibInside<{ Connection: new (stream: PassThrough) => RawConnection }>('connection.js');
const { BaseChannel } = amqplibInside<{ BaseChannel: new (connection: RawConnection) => EventEmitter & { consumers: Map<string, unknown>; accept: unknown } }>('channel.js');
const { makeBodyFrame } = amqplibInside<{ makeBodyFrame(channel: number, payload: Buffer): Buffer }>('frame.js');
const defs = amqplibInside<Defs>('defs.js');

type Told = ConsumeMessage | { ack: unknown };

/** A connection of amqplib's own, open, that reads what is given to it; with ours on top or without. */
function receiver(fast: boolean, told: Told[]) {
  const stream = new PassThrough();
  const connection = new Connection(stream);
  connection.accept = function accept(this: RawConnection, frame: { channel: number }): void {
    (this.channels[frame.channel] as { channel: { accept(frame: object): void } }).channel.accept(frame);
  };
  const channels = [1, 2].map((number) => {
    const channel = new BaseChannel(connection);
    for (const tag of ['worker', 'wörker#2']) channel.consumers.set(tag, (message: ConsumeMessage) => told.push(message));
    // As amqplib's own models do.
    channel.on('delivery', (message: ConsumeMessage) => (channel.consumers.get(message.fields.consumerTag) as (message: ConsumeMessage) => void)(message));
    channel.on('ack', (ack) => told.push({ ack }));
    connection.channels[number] = { channel };
    return channel;
  });
  connection.acceptLoop();
  if (fast) expect(takeDeliveries(connection)).toBe(true);
  const errors: unknown[] = [];
  connection.on('frameError', (error) => errors.push(error));
  return { stream, connection, channels, errors };
}

interface Sent { channel: number; tag: string; number: number; redelivered: boolean; routingKey: string; properties: Fields; body: Buffer; split: boolean }

function framesOf({ channel, tag, number, redelivered, routingKey, properties, body, split }: Sent): Buffer {
  const frames = [
    defs.encodeMethod(defs.BasicDeliver, channel, { consumerTag: tag, deliveryTag: number, redelivered, exchange: 'exchange', routingKey }),
    defs.encodeProperties(defs.BasicProperties, channel, body.length, properties),
  ];
  const parts = split && body.length > 1 ? [body.subarray(0, 1), body.subarray(1)] : body.length > 0 ? [body] : [];
  return Buffer.concat([...frames, ...parts.map((part) => makeBodyFrame(channel, part))]);
}

const text = fc.string({ unit: 'grapheme', maxLength: 30 });
const sent: fc.Arbitrary<Sent> = fc.record({
  channel: fc.constantFrom(1, 2), tag: fc.constantFrom('worker', 'wörker#2'), number: fc.oneof(fc.nat(1000), fc.constant(2 ** 40 + 7)),
  redelivered: fc.boolean(), routingKey: fc.oneof(fc.constantFrom('one', 'two'), text), split: fc.boolean(),
  body: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  properties: fc.record({
    contentType: fc.constantFrom('application/json', ''), headers: fc.constantFrom({}, { a: 1 }), deliveryMode: fc.constantFrom(1, 2),
    messageId: fc.oneof(fc.uuid(), text), priority: fc.nat(9), timestamp: fc.nat(),
  }, { requiredKeys: [] }),
});

/** A message's own body may be a view into a larger buffer. */
function plainly(told: readonly Told[]): unknown[] {
  return told.map((one) => ('ack' in one ? one : { fields: one.fields, properties: { ...one.properties }, content: one.content.toString('hex') }));
}

async function read(fast: boolean, bytes: Buffer, cuts: readonly number[]): Promise<{ told: Told[]; errors: unknown[] }> {
  const told: Told[] = [];
  const { stream, errors } = receiver(fast, told);
  let at = 0;
  for (const cut of [...cuts, bytes.length].sort((a, b) => a - b)) {
    stream.write(bytes.subarray(at, Math.min(cut, bytes.length)));
    at = Math.min(cut, bytes.length);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { told, errors };
}

describe('takeDeliveries', () => {
  it('gives what amqplib gives, in the same order, wherever what was read is cut', async () => {
    const ack = defs.encodeMethod(defs.BasicAck, 1, { deliveryTag: 3, multiple: true });
    await fc.assert(fc.asyncProperty(fc.array(sent, { maxLength: 12 }), fc.array(fc.nat(3_000), { maxLength: 4 }), async (messages, cuts) => {
      const bytes = Buffer.concat(messages.flatMap((message, i) => (i % 5 === 4 ? [ack, framesOf(message)] : [framesOf(message)])));
      const [ours, theirs] = [await read(true, bytes, cuts), await read(false, bytes, cuts)];
      expect(theirs.told.length).toBeGreaterThanOrEqual(messages.length);
      expect(plainly(ours.told)).toEqual(plainly(theirs.told));
      expect([...ours.errors, ...theirs.errors]).toEqual([]);
    }), { numRuns: 60 });
  });

  it('never reads beyond what is there, whatever the bytes say', async () => {
    const message: Sent = { channel: 1, tag: 'worker', number: 1, redelivered: false, routingKey: 'k', properties: { messageId: 'id' }, body: Buffer.from('body'), split: false };
    const whole = framesOf(message);
    await fc.assert(fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(255), async (at, value) => {
      const broken = Buffer.from(whole);
      broken[at] = value;
      const [ours, theirs] = [await read(true, broken, []), await read(false, broken, [])];
      expect(ours.errors.length).toBe(theirs.errors.length);
      expect(plainly(ours.told)).toEqual(plainly(theirs.told));
    }), { numRuns: 300 });
  });

  it('reports a consumer that throws, and goes on', async () => {
    const told: Told[] = [];
    const { stream, channels, errors } = receiver(true, told);
    const failures: unknown[] = [];
    channels[0]!.on('handler-error', (error) => failures.push(error));
    channels[0]!.consumers.set('worker', () => { throw new Error('a defect'); });
    const message: Sent = { channel: 1, tag: 'worker', number: 1, redelivered: false, routingKey: 'k', properties: {}, body: Buffer.from('body'), split: false };
    stream.write(Buffer.concat([framesOf(message), framesOf({ ...message, tag: 'wörker#2' })]));
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    expect(failures).toEqual([new Error('a defect')]);
    expect(told).toHaveLength(1);
    expect(errors).toEqual([]);
  });

  it('gives nothing to a channel or connection that a consumer has closed', async () => {
    for (const close of [(connection: RawConnection) => { connection.accept = () => undefined; }, (connection: RawConnection) => {
      (connection.channels[1] as { channel: { accept: unknown } }).channel.accept = () => undefined;
    }]) {
      const told: Told[] = [];
      const { stream, connection, channels, errors } = receiver(true, told);
      channels[0]!.consumers.set('worker', (message: ConsumeMessage) => { told.push(message); close(connection); });
      const message: Sent = { channel: 1, tag: 'worker', number: 1, redelivered: false, routingKey: 'k', properties: {}, body: Buffer.from('body'), split: false };
      stream.write(Buffer.concat([1, 2, 3].map((number) => framesOf({ ...message, number }))));
      await new Promise((resolve) => setImmediate(resolve));
      expect(told).toHaveLength(1);
      expect(errors).toEqual([]);
    }
  });

  it('changes nothing where amqplib is not as it was', () => {
    expect(takeDeliveries({})).toBe(false);
    expect(takeDeliveries({ recvFrame() { return false; }, accept() { return false; }, rest: Buffer.alloc(0), channels: [] })).toBe(false);
  });
});
