import type { ConfirmChannel } from 'amqplib';
import type { Outgoing } from './outgoing.js';
import { MessageFrames } from './message-frames.js';
import { PublishFrames } from './publish-frames.js';

/** Into it go the frames of one turn after the other; a new one is taken when it is full. */
const CHUNK_BYTES = 64 * 1024;
/** Larger messages are copied less when amqplib sends them. */
const LARGEST_BYTES = CHUNK_BYTES / 4;
/** Type, channel, size and end of a frame. */
const FRAME_OVERHEAD_BYTES = 8;

interface Stream {
  readonly writable?: boolean;
  readonly writableNeedDrain?: boolean;
  readonly writableLength?: number;
  readonly readableLength?: number;
  write(chunk: Buffer): unknown;
}

/** What this uses of amqplib 2 below its API. */
interface RawChannel {
  readonly ch: number;
  readonly sendMessage: unknown;
  readonly connection: {
    readonly sendMessage: unknown;
    readonly frameMax: number;
    readonly channels: readonly ({ readonly buffer: Stream } | null)[];
    /** The socket. */
    readonly stream?: Stream;
    sentSinceLastCheck: boolean;
  };
}

/**
 * Sends the frames of messages, those of all but large ones of one turn of the event loop as one piece. All else on the channel
 * keeps its place in the order: while something waits in the buffer that amqplib has for the channel, the piece goes there too.
 */
export class FrameBatch {
  private readonly frames: PublishFrames;
  private readonly anyFrames: MessageFrames;
  private readonly mostBytes: number;
  private readonly ours: Stream;
  private readonly sendMessage: readonly [unknown, unknown];
  private chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  /** What lies between the two is not handed over yet. */
  private from = 0;
  private to = 0;

  private constructor(private readonly raw: RawChannel) {
    const { connection, ch } = raw;
    this.frames = new PublishFrames(ch);
    this.anyFrames = new MessageFrames(ch, connection.frameMax);
    this.mostBytes = Math.min(LARGEST_BYTES, connection.frameMax - FRAME_OVERHEAD_BYTES);
    this.ours = (connection.channels[ch] as { buffer: Stream }).buffer;
    this.sendMessage = [raw.sendMessage, connection.sendMessage];
  }

  /** `undefined` where amqplib's insides are not as they were: then everything goes by its API. */
  static of(channel: ConfirmChannel): FrameBatch | undefined {
    const raw = channel as unknown as Partial<RawChannel>;
    const { ch, connection, sendMessage } = raw;
    if (typeof ch !== 'number' || typeof sendMessage !== 'function' || typeof connection?.sendMessage !== 'function') return undefined;
    if (typeof connection.frameMax !== 'number' || typeof connection.channels?.[ch]?.buffer?.write !== 'function') return undefined;
    return new FrameBatch(raw as RawChannel);
  }

  /** False when {@link send} must send this one: it is not plain, too large, or the channel is closing. */
  add(message: Outgoing): boolean {
    if (message.body.length > this.mostBytes || !this.isOpen) return false;
    const size = this.frames.sizeOf(message);
    if (size === undefined) return false;
    this.reserve(size);
    this.to = this.frames.write(message, this.chunk, this.to);
    return true;
  }

  /**
   * Any message, behind what was added before it.
   * @throws what {@link MessageFrames.of} throws; nothing of it was sent then
   */
  send(message: Outgoing): 'sent' | 'gone' {
    const pieces = this.anyFrames.of(message);
    if (!this.isOpen) return 'gone';
    const [only] = pieces;
    if (pieces.length === 1 && only !== undefined && only.length <= this.mostBytes) {
      this.reserve(only.length);
      this.chunk.set(only, this.to);
      this.to += only.length;
      return 'sent';
    }
    this.flush();
    if (!this.isOpen) return 'gone';
    this.raw.connection.sentSinceLastCheck = true;
    for (const piece of pieces) this.ours.write(piece);
    return 'sent';
  }

  /** Room for so many bytes more, which leave with this turn. */
  private reserve(bytes: number): void {
    if (this.to + bytes > CHUNK_BYTES) this.turnOver();
    if (this.from === this.to) process.nextTick(flush, this);
  }

  /** What the channel has lost meanwhile is unconfirmed, and known as such. */
  flush(): void {
    if (this.from === this.to) return;
    const piece = this.chunk.subarray(this.from, this.to);
    this.from = this.to;
    if (!this.isOpen) return;
    this.raw.connection.sentSinceLastCheck = true;
    (this.isNext ? this.raw.connection.stream as Stream : this.ours).write(piece);
  }

  /** Nothing of this channel waits, and the socket has room: amqplib would pass the piece on in a later phase of the event loop. */
  private get isNext(): boolean {
    const { ours, raw: { connection: { stream } } } = this;
    return ours.readableLength === 0 && ours.writableLength === 0 && stream?.writable === true && stream.writableNeedDrain === false;
  }

  private turnOver(): void {
    this.flush();
    this.chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    this.from = this.to = 0;
  }

  /** amqplib closes both by putting functions that throw in the place of these. */
  private get isOpen(): boolean {
    const { raw } = this;
    return raw.sendMessage === this.sendMessage[0] && raw.connection.sendMessage === this.sendMessage[1] && raw.connection.channels[raw.ch]?.buffer === this.ours;
  }
}

function flush(batch: FrameBatch): void {
  batch.flush();
}
