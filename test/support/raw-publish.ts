import type { ConfirmChannel, GetMessage } from 'amqplib';
import { keepReceivedHeaders } from '../../lib/amqp/received-headers.js';
import { ReceivedProperties } from '../../lib/amqp/received-properties.js';
import { withChannel } from './shared-rabbitmq.js';
import { eventually } from './wait.js';

/** One header: its name and, behind the letter of its type, the bytes of its value. */
export type RawHeader = readonly [name: string | Buffer, type: string, value: Buffer];

/** Properties by the name of their bit, as bytes that no library would write. */
export interface RawProperties {
  contentType?: Buffer;
  headers?: readonly RawHeader[];
  deliveryMode?: number;
  priority?: number;
  correlationId?: Buffer;
  messageId?: Buffer;
  timestamp?: bigint;
  type?: Buffer;
  userId?: Buffer;
  appId?: Buffer;
  expiration?: Buffer;
}

export const uint = (bytes: 1 | 2 | 4 | 8, value: number | bigint): Buffer => {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64BE(BigInt.asUintN(64, BigInt(value)));
  return buffer.subarray(8 - bytes);
};
export const sized = (bytes: Buffer | string): Buffer => Buffer.concat([uint(4, Buffer.from(bytes as string).length), Buffer.from(bytes as string)]);
export const short = (bytes: Buffer | string): Buffer => Buffer.concat([uint(1, Buffer.from(bytes as string).length), Buffer.from(bytes as string)]);
export const entry = ([name, type, value]: RawHeader): Buffer => Buffer.concat([short(name as string), Buffer.from(type), value]);
export const table = (headers: readonly RawHeader[]): Buffer => sized(Buffer.concat(headers.map(entry)));

const double = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes;
};
const float = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatBE(value);
  return bytes;
};

/** All types that servers and other clients write. */
export const EVERY_TYPE: readonly RawHeader[] = [
  ['t', 't', uint(1, 1)], ['f', 't', uint(1, 0)], ['b', 'b', uint(1, -3)], ['B', 'B', uint(1, 200)], ['s', 's', uint(2, -300)], ['u', 'u', uint(2, 60_000)],
  ['I', 'I', uint(4, -70_000)], ['i', 'i', uint(4, 4_000_000_000)], ['l', 'l', uint(8, 9_007_199_254_740_993n)], ['least', 'l', uint(8, -(2n ** 63n))],
  ['float', 'f', float(1.5)], ['three', 'd', double(3)], ['D', 'D', Buffer.concat([uint(1, 2), uint(4, 12_345)])], ['T', 'T', uint(8, 2n ** 64n - 1n)],
  ['S', 'S', sized('text')], ['latin', 'S', sized(Buffer.from([0x63, 0xe9]))], ['x', 'x', sized(Buffer.from([0, 255]))], ['V', 'V', Buffer.alloc(0)],
  ['empty', 'F', table([])], ['nested', 'F', table([['in', 'A', sized(Buffer.concat([Buffer.from('b'), uint(1, 1), Buffer.from('V')]))]])],
];

/** Flags and fields, as they stand in a header frame. */
export function rawProperties(properties: RawProperties): Buffer {
  const { contentType, headers, deliveryMode, priority, correlationId, messageId, timestamp, type, userId, appId, expiration } = properties;
  const parts: [bit: number, bytes: Buffer | undefined][] = [
    [15, contentType && short(contentType)], [13, headers && table(headers)], [12, deliveryMode === undefined ? undefined : uint(1, deliveryMode)],
    [11, priority === undefined ? undefined : uint(1, priority)], [10, correlationId && short(correlationId)], [8, expiration && short(expiration)],
    [7, messageId && short(messageId)], [6, timestamp === undefined ? undefined : uint(8, timestamp)], [5, type && short(type)],
    [4, userId && short(userId)], [3, appId && short(appId)],
  ];
  let flags = 0;
  for (const [bit, bytes] of parts) if (bytes !== undefined) flags |= 1 << bit;
  return Buffer.concat([uint(2, flags), ...parts.map(([, bytes]) => bytes ?? Buffer.alloc(0))]);
}

const frame = (type: number, channel: number, payload: Buffer): Buffer => Buffer.concat([uint(1, type), uint(2, channel), sized(payload), Buffer.from([0xce])]);

/** The three frames of a publish to one queue. */
export function publishFrames(channel: number, queue: string, properties: Buffer, body: Buffer): Buffer {
  return Buffer.concat([
    frame(1, channel, Buffer.concat([uint(2, 60), uint(2, 40), uint(2, 0), short(''), short(queue), uint(1, 0)])),
    frame(2, channel, Buffer.concat([uint(2, 60), uint(2, 0), uint(8, body.length), properties])),
    frame(3, channel, body),
  ]);
}

/** Publishes bytes made by hand, and waits for the confirm. */
export async function publishRaw(url: string, queue: string, properties: Buffer, body: Buffer): Promise<void> {
  await withChannel(url, async (channel) => {
    const { ch, connection } = channel as unknown as { ch: number; connection: NodeJS.EventEmitter & { stream: { write(bytes: Buffer): void } } };
    // amqplib looks for a callback of its own for each confirm.
    channel.removeAllListeners('ack');
    const confirmed = new Promise<void>((resolve, reject) => {
      channel.once('ack', () => resolve());
      channel.once('error', reject);
      connection.once('error', reject);
    });
    connection.stream.write(publishFrames(ch, queue, properties, body));
    await confirmed;
  });
}

export interface RawMessage {
  readonly body: Buffer;
  readonly properties: ReceivedProperties;
}

/** Takes the next message of a queue, which must come, with the bytes of its properties. */
export async function takeRaw(url: string, queue: string, limitMs = 20_000): Promise<RawMessage> {
  return withChannel(url, async (channel) => {
    keepReceivedHeaders((channel as unknown as { connection: unknown }).connection);
    const message = await eventually(() => get(channel, queue), (one) => one !== false, `a message in ${queue}`, { limitMs, everyMs: 50 }) as GetMessage;
    return { body: message.content, properties: (message.properties as unknown as { received: ReceivedProperties }).received };
  });
}

async function get(channel: ConfirmChannel, queue: string): Promise<GetMessage | false> {
  return channel.get(queue, { noAck: true });
}

/** The bytes of each header but ours and RabbitMQ's own, in their order: name, type and value. */
export function sendersEntries({ bytes, entries = [] }: ReceivedProperties): Buffer[] {
  return entries.filter(({ name }) => !/^x-(dispatcher-|death|first-death|last-death|delivery-count|acquired-count)/.test(name))
    .map(({ start, end }) => Buffer.from(bytes.subarray(start, end)));
}
