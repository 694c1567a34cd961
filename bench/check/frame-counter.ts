const FRAME_HEAD_BYTES = 7;
const PROTOCOL_HEADER_BYTES = 8;
const METHOD = 1;

/** AMQP methods that a client sends: the class in the upper 16 bits, the method in the lower. */
const BASIC = 60 << 16;
export const Method = { publish: BASIC | 40, ack: BASIC | 80 } as const;

/**
 * Reads what one connection sends, however it is cut into writes, and counts frames and methods. It runs
 * while allocations are counted, so it makes next to none.
 */
export class FrameCounter {
  frames = 0;
  /** By the numbers of {@link Method}. */
  readonly methods = new Map<number, number>();
  private rest: Buffer = Buffer.alloc(0);
  private skip = PROTOCOL_HEADER_BYTES;

  add(data: Buffer): void {
    this.rest = this.rest.length === 0 ? data : Buffer.concat([this.rest, data]);
    const skipped = Math.min(this.skip, this.rest.length);
    this.skip -= skipped;
    let at = skipped;
    for (let end = this.endOf(at); end !== undefined; end = this.endOf(at)) {
      this.count(at);
      at = end;
    }
    this.rest = this.rest.subarray(at);
  }

  private endOf(at: number): number | undefined {
    if (this.rest.length < at + FRAME_HEAD_BYTES) return undefined;
    const end = at + FRAME_HEAD_BYTES + this.rest.readUInt32BE(at + 3) + 1;
    return end <= this.rest.length ? end : undefined;
  }

  private count(at: number): void {
    this.frames++;
    if (this.rest[at] !== METHOD) return;
    const method = this.rest.readUInt32BE(at + FRAME_HEAD_BYTES);
    this.methods.set(method, (this.methods.get(method) ?? 0) + 1);
  }
}
