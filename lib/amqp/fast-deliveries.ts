import type { ConsumeMessage } from 'amqplib';
import { DeliveryFrames } from './delivery-frames.js';

/** What this uses of amqplib 2 below its API. */
interface RawConnection {
  /** What was read from the socket and is not taken yet. */
  rest: Buffer;
  readonly maxFrameSize: number;
  readonly channels: readonly ({ readonly channel: RawChannel } | null | undefined)[];
  readonly accept: unknown;
  recvFrame(): unknown;
}

interface RawChannel {
  readonly consumers?: ReadonlyMap<string, (message: ConsumeMessage) => void>;
  emit(event: string, ...values: unknown[]): boolean;
}

/**
 * Hands plain deliveries to their consumers right out of the bytes that were read, past amqplib's frames and state
 * machines, and leaves everything else to it. Where its insides are not as they were nothing changes but the
 * speed. Returns whether they were. The connection must be open already.
 */
export function takeDeliveries(connection: unknown): boolean {
  const raw = connection as Partial<RawConnection>;
  if (typeof raw.recvFrame !== 'function' || typeof raw.accept !== 'function') return false;
  if (!Buffer.isBuffer(raw.rest) || typeof raw.maxFrameSize !== 'number' || !Array.isArray(raw.channels)) return false;
  const frames = new DeliveryFrames();
  const { recvFrame, accept } = raw;
  raw.recvFrame = function received(this: RawConnection): unknown {
    const bytes = this.rest;
    let at = 0;
    // amqplib puts another function in the place of this one when the connection begins to close.
    while (this.accept === accept) {
      const end = takeOne(this, frames, bytes, at);
      if (end === undefined) break;
      at = end;
    }
    if (at > 0) this.rest = bytes.subarray(at);
    return recvFrame.call(this);
  };
  return true;
}

/** Where the next frame begins; `undefined` when amqplib must take what begins at `at`. */
function takeOne(connection: RawConnection, frames: DeliveryFrames, bytes: Buffer, at: number): number | undefined {
  const delivery = frames.read(bytes, at, connection.maxFrameSize);
  if (delivery === undefined) return undefined;
  const channel = connection.channels[delivery.channel]?.channel;
  // A channel that begins to close has a function of its own there too, as the connection has.
  const consumer = channel === undefined || Object.hasOwn(channel, 'accept') ? undefined : channel.consumers?.get(delivery.message.fields.consumerTag);
  if (consumer === undefined) return undefined;
  try {
    consumer(delivery.message);
  } catch (error) {
    // As amqplib reports it, and as late.
    setImmediate(() => channel?.emit('handler-error', error, 'delivery'));
  }
  return delivery.end;
}
