import { Socket } from 'node:net';
import { FrameCounter } from './frame-counter.js';

type WriteOne = (this: Socket, chunk: Buffer | string, encoding: BufferEncoding, done: () => void) => void;
type WriteMany = (this: Socket, chunks: { chunk: Buffer | string; encoding: BufferEncoding }[], done: () => void) => void;

export interface Sent {
  /** Calls to the operating system: what was corked into one counts once. */
  readonly writes: number;
  readonly frames: number;
  readonly methods: ReadonlyMap<number, number>;
}

/** Counts what all sockets that lead to one port send, from its creation on. */
export class SocketCounter {
  private writes = 0;
  private readonly counters = new Map<Socket, FrameCounter>();

  constructor(private readonly port: number) {
    const prototype = Socket.prototype as unknown as { _write: WriteOne; _writev: WriteMany };
    const { _write: writeOne, _writev: writeMany } = prototype;
    const note = (socket: Socket, chunks: readonly (Buffer | string)[]): void => this.note(socket, chunks);
    prototype._write = function (chunk, encoding, done) {
      note(this, [chunk]);
      writeOne.call(this, chunk, encoding, done);
    };
    prototype._writev = function (chunks, done) {
      note(this, chunks.map(({ chunk }) => chunk));
      writeMany.call(this, chunks, done);
    };
  }

  /** Everything so far. */
  read(): Sent {
    const methods = new Map<number, number>();
    let frames = 0;
    for (const counter of this.counters.values()) {
      frames += counter.frames;
      for (const [method, count] of counter.methods) methods.set(method, (methods.get(method) ?? 0) + count);
    }
    return { writes: this.writes, frames, methods };
  }

  private note(socket: Socket, chunks: readonly (Buffer | string)[]): void {
    // A write before the connection stands is held back by Node and comes here again.
    if (socket.connecting || socket.remotePort !== this.port) return;
    this.writes++;
    let counter = this.counters.get(socket);
    if (counter === undefined) this.counters.set(socket, (counter = new FrameCounter()));
    for (const chunk of chunks) counter.add(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  }
}

/** What was sent between two readings, for each of `tasks`. */
export function perTask(before: Sent, after: Sent, tasks: number): { writes: number; frames: number; method(method: number): number } {
  return {
    writes: (after.writes - before.writes) / tasks,
    frames: (after.frames - before.frames) / tasks,
    method: (method) => ((after.methods.get(method) ?? 0) - (before.methods.get(method) ?? 0)) / tasks,
  };
}

/** Methods other than these, summed: what should not be there for each task at all. */
export function others(before: Sent, after: Sent, expected: readonly number[]): number {
  let sum = 0;
  for (const [method, count] of after.methods) if (!expected.includes(method)) sum += count - (before.methods.get(method) ?? 0);
  return sum;
}
