import { EventEmitter } from 'node:events';
import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { outliveClosedChannels } from '../../../lib/amqp/closed-channels.js';
import { amqplibInside } from '../../support/amqplib-insides.js';

interface RawChannel extends EventEmitter { ch: number; allocate(): RawChannel; closeBecause(reason: string, code: number): void }
interface RawConnection extends EventEmitter {
  accept: unknown;
  channelMax: number;
  frameMax: number;
  channels: ({ channel: RawChannel } | null)[];
  acceptLoop(): void;
}
interface Defs { ChannelClose: number; ChannelCloseOk: number; BasicAck: number; encodeMethod(method: number, channel: number, fields: object): Buffer }

const { Connection } = amqplibInside<{ Connection: new (stream: Duplex) => RawConnection }>('connection.js');
const { BaseChannel } = amqplibInside<{ BaseChannel: new (connection: RawConnection) => RawChannel }>('channel.js');
const defs = amqplibInside<Defs>('defs.js');

/** An open connection of amqplib's own; what it refuses is written down, as its last line of defence would end it. */
function connected(channelMax = 2047) {
  const stream = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
  const connection = new Connection(stream);
  Object.assign(connection, { channelMax, frameMax: 4096 });
  const unknown: number[] = [];
  connection.accept = function accept(this: RawConnection, frame: { channel: number }): void {
    const channel = this.channels[frame.channel]?.channel;
    if (channel === undefined) unknown.push(frame.channel);
    else (channel as unknown as { accept(frame: object): void }).accept(frame);
  };
  expect(outliveClosedChannels(connection)).toBe(true);
  connection.acceptLoop();
  const open = (): RawChannel => {
    const channel = new BaseChannel(connection).allocate();
    channel.on('error', () => undefined);
    return channel;
  };
  const receive = async (...frames: Buffer[]): Promise<void> => {
    stream.push(Buffer.concat(frames));
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  };
  return { connection, unknown, open, receive };
}

const close = (channel: number): Buffer => defs.encodeMethod(defs.ChannelClose, channel, { replyCode: 406, replyText: 'PRECONDITION_FAILED', classId: 0, methodId: 0 });
const closeOk = (channel: number): Buffer => defs.encodeMethod(defs.ChannelCloseOk, channel, {});
const ack = (channel: number): Buffer => defs.encodeMethod(defs.BasicAck, channel, { deliveryTag: 1, multiple: false });

describe('a channel that the server closes', () => {
  /** Each look of the server for overdue deliveries closed the channel anew, and the second one ended the connection. */
  it('may be closed again and again', async () => {
    const { connection, unknown, open, receive } = connected();
    const channel = open();
    let closes = 0;
    channel.on('close', () => closes++);
    await receive(close(channel.ch), close(channel.ch), close(channel.ch), ack(channel.ch));
    expect({ closes, unknown, record: connection.channels[channel.ch] }).toEqual({ closes: 1, unknown: [], record: null });
  });

  it('leaves its number to nobody for a time, so that what still comes for it meets none that is open', async () => {
    const { open, receive } = connected();
    const first = open();
    await receive(close(first.ch));
    const next = open();
    let closed = false;
    next.on('close', () => { closed = true; });
    await receive(close(first.ch));
    expect({ differs: next.ch !== first.ch, closed }).toEqual({ differs: true, closed: false });
  });

  it.each([[2047, 65], [8, 3]])('gives its number back after others: of %i there are never too few', async (channelMax, keptBack) => {
    const { open, receive } = connected(channelMax);
    const numbers: number[] = [];
    for (let n = 0; n < 200; n++) {
      const channel = open();
      numbers.push(channel.ch);
      await receive(close(channel.ch));
    }
    expect(Math.max(...numbers)).toBe(keptBack);
  });

  it('is answered once where both sides close it at the same time', async () => {
    const { connection, unknown, open, receive } = connected();
    const channel = open();
    const answers: unknown[] = [];
    const number = channel.ch;
    const { sendMethod } = connection as unknown as { sendMethod(channel: number, method: number): unknown };
    Object.assign(connection, { sendMethod: (of: number, method: number, fields: object) => {
      if (method === defs.ChannelCloseOk) answers.push(of);
      return (sendMethod as (...values: unknown[]) => unknown).call(connection, of, method, fields);
    } });
    channel.closeBecause('done', 200);
    await receive(close(number), close(number), closeOk(number));
    expect({ answers, unknown, record: connection.channels[number] }).toEqual({ answers: [number], unknown: [], record: null });
  });

  it('takes nothing from a channel that we close: what comes for an unknown one is still an error', async () => {
    const { unknown, open, receive } = connected();
    const channel = open();
    const { ch } = channel;
    channel.closeBecause('done', 200);
    await receive(closeOk(ch), ack(ch));
    expect({ unknown, again: open().ch }).toEqual({ unknown: [ch], again: ch });
  });
});
