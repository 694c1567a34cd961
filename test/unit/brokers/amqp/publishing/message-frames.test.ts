import { describe, expect, it } from 'vitest';
import { keepReceivedHeaders } from '../../../../../lib/amqp/received-headers.js';
import { ReceivedProperties } from '../../../../../lib/amqp/received-properties.js';
import { HeaderFrameTooLarge, MessageFrames } from '../../../../../lib/brokers/amqp/publishing/message-frames.js';
import { Outgoing } from '../../../../../lib/brokers/amqp/publishing/outgoing.js';
import { portProperties } from '../../../../../lib/brokers/amqp/consuming/port-properties.js';
import type { MessageProperties } from '../../../../../lib/brokers/broker.js';
import { EVERY_TYPE, publishFrames, rawProperties, sendersEntries, sized, uint, type RawProperties } from '../../../../support/raw-publish.js';

const CHANNEL = 3;

/** A message as a consumer gets it, its properties read from bytes made by hand. */
function received(properties: RawProperties): MessageProperties {
  const frames = publishFrames(CHANNEL, 'q', rawProperties(properties), Buffer.from('body'));
  const header = frames.subarray(7 + frames.readUInt32BE(3) + 1);
  const connection = { rest: header, maxFrameSize: 131_072, recvFrame: () => 'left to amqplib' };
  keepReceivedHeaders(connection);
  const frame = connection.recvFrame() as unknown as { fields: Parameters<typeof portProperties>[0]; size: number; channel: number };
  expect(frame).toMatchObject({ size: 4, channel: CHANNEL });
  expect(connection.rest[0]).toBe(3);
  return portProperties(frame.fields);
}

function sent(properties: MessageProperties, frameMax = 131_072): Buffer[] {
  return new MessageFrames(CHANNEL, frameMax).of(new Outgoing({ body: Buffer.from('body'), properties }, '', 'q', 0));
}

/** The properties in the frames of a message. */
function propertiesIn(pieces: Buffer[]): ReceivedProperties {
  const bytes = Buffer.concat(pieces);
  const header = bytes.subarray(7 + bytes.readUInt32BE(3) + 1);
  return ReceivedProperties.read(header.subarray(7 + 12, 7 + header.readUInt32BE(3))) as ReceivedProperties;
}

const FOREIGN: RawProperties = {
  contentType: Buffer.alloc(200, 0xe9), headers: EVERY_TYPE, deliveryMode: 2, priority: 255, correlationId: Buffer.alloc(255, 0xff), messageId: Buffer.from([0xc3, 0x28]),
  timestamp: 2n ** 64n - 1n, type: Buffer.alloc(0), appId: Buffer.from([0x80]),
};

describe('what has arrived and is sent on', () => {
  it('is the same bytes', () => {
    expect(Buffer.concat(sent(received(FOREIGN)))).toEqual(Buffer.concat([
      ...[publishFrames(CHANNEL, 'q', rawProperties(FOREIGN), Buffer.from('body'))].map((bytes) => {
        const mandatory = Buffer.from(bytes);
        mandatory[7 + bytes.readUInt32BE(3) - 1] = 1;
        return mandatory;
      }),
    ]));
  });

  it('keeps its headers beside those that were added, changed and removed', () => {
    const properties = received(FOREIGN);
    const { latin: _removed, ...rest } = properties.headers ?? {};
    const again = propertiesIn(sent({ ...properties, headers: { ...rest, S: 'changed', 'x-dispatcher-attempt': 2 } }));
    const [before, after] = [propertiesIn(sent(properties)), again].map((one) => sendersEntries(one).map((bytes) => bytes.toString('latin1')));
    const isChanged = (bytes: string): boolean => bytes.startsWith('\u0001SS');
    expect(after?.filter((one) => !isChanged(one))).toEqual(before?.filter((one) => !isChanged(one) && !one.startsWith('\u0005latin')));
    expect(again.viewAll()['headers']).toMatchObject({ S: 'changed', 'x-dispatcher-attempt': 2 });
  });

  it('is what it was, although whoever got it has changed what is inside of a header', () => {
    const properties = received({ headers: [['list', 'A', sized(Buffer.concat([Buffer.from('b'), uint(1, 1)]))], ['name', 'S', sized('a')]] });
    const changed = { ...properties, headers: { ...properties.headers, list: [2] } };
    expect(propertiesIn(sent(changed)).viewAll()['headers']).toEqual({ list: [2], name: 'a' });
  });

  it('keeps both of two equal names, and names like __proto__', () => {
    const headers = [['twice', 'b', uint(1, 1)], ['__proto__', 'S', sized('data')], ['twice', 'b', uint(1, 2)]] as const;
    const again = propertiesIn(sent(received({ headers })));
    expect(again.entries?.map(({ name }) => name)).toEqual(['twice', '__proto__', 'twice']);
    expect(({} as { data?: unknown }).data).toBeUndefined();
  });

  it('says in headers of ours what the server would refuse, or would let it expire by', () => {
    const properties = received({ userId: Buffer.from('somebody'), expiration: Buffer.from('60000'), deliveryMode: 1 });
    const again = propertiesIn(sent(properties)).viewAll();
    expect(again).toMatchObject({ userId: undefined, expiration: undefined, deliveryMode: 2 });
    expect(again['headers']).toEqual({ 'x-dispatcher-origin-user-id': 'somebody', 'x-dispatcher-origin-expiration': '60000' });
  });

  it('is left to amqplib when it is cut, or no header of a message', () => {
    const whole = publishFrames(CHANNEL, 'q', rawProperties(FOREIGN), Buffer.from('body'));
    const header = whole.subarray(7 + whole.readUInt32BE(3) + 1);
    const end = 7 + header.readUInt32BE(3);
    for (let length = 0; length <= end; length++) {
      const connection = { rest: header.subarray(0, length), maxFrameSize: 131_072, recvFrame: (): string => 'left' };
      keepReceivedHeaders(connection);
      expect(connection.recvFrame()).toBe('left');
    }
    for (let at = 7; at < end; at++) {
      const broken = Buffer.from(header);
      broken[at] = header.readUInt8(at) ^ 0xff;
      const connection = { rest: broken, maxFrameSize: 131_072, recvFrame: (): string => 'left' };
      keepReceivedHeaders(connection);
      expect(() => connection.recvFrame()).not.toThrow();
    }
  });
});

describe('frames', () => {
  it('are no larger than what was negotiated', () => {
    const body = Buffer.alloc(100_000, 7);
    const bytes = Buffer.concat(new MessageFrames(CHANNEL, 4096).of(new Outgoing({ body, properties: { messageId: 'm' } }, '', 'q', 0)));
    const payloads: Buffer[] = [];
    for (let at = 0; at < bytes.length;) {
      const size = bytes.readUInt32BE(at + 3);
      expect(size + 8).toBeLessThanOrEqual(4096);
      expect(bytes[at + 7 + size]).toBe(0xce);
      if (bytes[at] === 3) payloads.push(bytes.subarray(at + 7, at + 7 + size));
      at += size + 8;
    }
    expect(Buffer.concat(payloads).equals(body)).toBe(true);
  });

  it.each([4096, 8192, 131_072])('hold headers up to the last byte of %i, and say by how much they are too large', (frameMax) => {
    const frames = (length: number): Buffer[] => sent({ headers: { text: 'x'.repeat(length) } }, frameMax);
    const overhead = 12 + 2 + 4 + 5 + 1 + 4 + 1;
    expect(() => frames(frameMax - 8 - overhead)).not.toThrow();
    expect(() => frames(frameMax - 8 - overhead + 1)).toThrow(HeaderFrameTooLarge);
    expect(() => frames(frameMax)).toThrow(expect.objectContaining({ bytes: frameMax + overhead, maxBytes: frameMax - 8 }));
    expect(() => frames(10)).not.toThrow();
  });

  it.each([
    ['a long id', { messageId: 'é'.repeat(128) }, /messageId has 256 bytes/],
    ['a time that is none', { timestamp: -1 }, /timestamp/],
    ['a priority beyond a byte', { priority: 256 }, /priority/],
    ['a header that is no data', { headers: { f: (() => undefined) as unknown as string } }, /header "f": a function/],
  ])('refuse %s', (_title, properties, text) => {
    expect(() => sent(properties)).toThrow(text);
  });
});
