import { describe, expect, it } from 'vitest';
import { FrameCounter, Method } from '../../../bench/check/frame-counter.js';

const PROTOCOL_HEADER = Buffer.from('AMQP\0\0\x09\x01', 'latin1');

function frame(type: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(7);
  head.writeUInt8(type, 0);
  head.writeUInt16BE(1, 1);
  head.writeUInt32BE(payload.length, 3);
  return Buffer.concat([head, payload, Buffer.from([0xce])]);
}

function method(number: number): Buffer {
  const payload = Buffer.alloc(12);
  payload.writeUInt32BE(number, 0);
  return frame(1, payload);
}

const sent = Buffer.concat([PROTOCOL_HEADER, method(Method.publish), frame(2, Buffer.alloc(14)), frame(3, Buffer.from('{}')), method(Method.ack), method(Method.publish)]);

describe('FrameCounter', () => {
  it.each([1, 3, 7, 8, 11, sent.length])('counts the same when the bytes come in pieces of %i', (size) => {
    const counter = new FrameCounter();
    for (let at = 0; at < sent.length; at += size) counter.add(sent.subarray(at, at + size));
    expect(counter.frames).toBe(5);
    expect([...counter.methods]).toEqual([[Method.publish, 2], [Method.ack, 1]]);
  });

  it('counts a frame only once it is whole', () => {
    const counter = new FrameCounter();
    counter.add(sent.subarray(0, sent.length - 1));
    expect(counter.frames).toBe(4);
  });
});
