const CHANNEL_CLOSE = (20 << 16) | 40;
/** A number is used again only after so many others were closed by the server: by then it says nothing more of it. */
const KEPT_BACK = 64;

/** What this uses of amqplib 2 below its API. */
interface RawConnection {
  readonly channelMax: number;
  readonly channels: readonly ({ readonly channel: object } | null | undefined)[];
  readonly freeChannels: { set(number: number): void; clear(number: number): void };
  /** False: none has arrived whole. */
  recvFrame(): Frame | false;
  releaseChannel(number: number): void;
}

interface Frame {
  readonly channel?: number;
  readonly id?: number;
}

/**
 * A server that finds a reason to close a channel finds it again while it waits for our answer, and says so again
 * (`consumer_timeout`, looked for while the line is slow or our event loop busy). amqplib takes that for a frame on an
 * unknown channel and ends the whole connection; or it lets the channel die that was given the number meanwhile. So
 * what comes for a channel after the server has closed it is dropped, and its number is kept back. Where amqplib's
 * insides are not as they were nothing changes. Returns whether they were.
 */
export function outliveClosedChannels(connection: unknown): boolean {
  const raw = connection as Partial<RawConnection>;
  if (typeof raw.recvFrame !== 'function' || typeof raw.releaseChannel !== 'function' || !Array.isArray(raw.channels) || typeof raw.channelMax !== 'number') return false;
  if (typeof raw.freeChannels?.set !== 'function' || typeof raw.freeChannels.clear !== 'function') return false;
  const { recvFrame, releaseChannel } = raw;
  const closed = new WeakSet<object>();
  const keptBack = new Set<number>();
  // amqplib calls itself once more when it has read something: what passed within has passed.
  let passed: Frame | false = false;
  raw.recvFrame = function received(this: RawConnection): Frame | false {
    for (;;) {
      const frame = recvFrame.call(this);
      if (frame === false || frame === passed || !isLate(this, frame, closed, keptBack)) return (passed = frame);
    }
  };
  raw.releaseChannel = function released(this: RawConnection, number: number): void {
    const wasClosed = closed.has(this.channels[number]?.channel ?? {});
    releaseChannel.call(this, number);
    if (wasClosed) keepBack(this, number, keptBack);
  };
  return true;
}

/** Notes the first close of a channel by the server. */
function isLate({ channels }: RawConnection, { channel: number = 0, id }: Frame, closed: WeakSet<object>, keptBack: Set<number>): boolean {
  const channel = channels[number]?.channel;
  if (channel === undefined) return keptBack.has(number);
  if (id !== CHANNEL_CLOSE) return false;
  if (closed.has(channel)) return true;
  closed.add(channel);
  return false;
}

function keepBack({ freeChannels, channelMax }: RawConnection, number: number, keptBack: Set<number>): void {
  freeChannels.set(number);
  keptBack.add(number);
  if (keptBack.size <= Math.min(KEPT_BACK, channelMax / 4)) return;
  const oldest = keptBack.values().next().value as number;
  keptBack.delete(oldest);
  freeChannels.clear(oldest);
}
