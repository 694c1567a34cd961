import { Duplex } from 'node:stream';
import type { EventEmitter } from 'node:events';
import type { ChannelModel } from 'amqplib';
import { amqplibInside } from './amqplib-insides.js';

interface RawConnection extends EventEmitter {
  accept: unknown;
  channels: ({ channel: { accept(frame: object): void } } | null | undefined)[];
  acceptLoop(): void;
}
type Encode = (method: number, channel: number, fields: object) => Buffer;
interface Defs { ChannelOpenOk: number; ConfirmSelectOk: number; ChannelClose: number; ChannelCloseOk: number; QueueDeclareOk: number; encodeMethod: Encode }

const { Connection } = amqplibInside<{ Connection: new (stream: Duplex) => RawConnection }>('connection.js');
const { ChannelModel: Model } = amqplibInside<{ ChannelModel: new (connection: RawConnection) => ChannelModel }>('channel_model.js');
const defs = amqplibInside<Defs>('defs.js');

/** What a server says, as bytes. */
export const said = {
  opened: (channel: number): Buffer => defs.encodeMethod(defs.ChannelOpenOk, channel, { channelId: Buffer.alloc(0) }),
  confirming: (channel: number): Buffer => defs.encodeMethod(defs.ConfirmSelectOk, channel, {}),
  closed: (channel: number, replyCode = 406): Buffer => defs.encodeMethod(defs.ChannelClose, channel, { replyCode, replyText: 'PLANTED', classId: 0, methodId: 0 }),
};

const CHANNEL_OPEN = (20 << 16) | 10;
const CONFIRM_SELECT = (85 << 16) | 10;
export const CHANNEL_CLOSE = (20 << 16) | 40;

/** amqplib's own connection, open, whose server says nothing but what a test has it say. */
export function silentServer() {
  const stream = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
  const connection = new Connection(stream);
  const asked: { channel: number; method: number }[] = [];
  const { sendMethod } = connection as unknown as { sendMethod(...values: unknown[]): unknown };
  Object.assign(connection, {
    channelMax: 2047, frameMax: 4096,
    sendMethod(channel: number, method: number, fields: object) {
      asked.push({ channel, method });
      return sendMethod.call(connection, channel, method, fields);
    },
    accept(frame: { channel: number }) {
      connection.channels[frame.channel]?.channel.accept(frame);
    },
  });
  const broken: unknown[] = [];
  connection.on('frameError', (error) => broken.push(error));
  connection.acceptLoop();
  return {
    model: new Model(connection),
    asked,
    /** What ended the connection. */
    broken,
    /** In one piece, as one packet brings it. */
    says: async (...frames: Buffer[]): Promise<void> => {
      stream.push(Buffer.concat(frames));
      for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
    },
    asks: { CHANNEL_OPEN, CONFIRM_SELECT, CHANNEL_CLOSE },
  };
}
