const FIRST_BYTES = 8 * 1024;
/** A larger one is not kept for the next message. */
const KEPT_BYTES = 256 * 1024;
const SHORT_STRING_BYTES = 255;

/** Bytes of one message after another, in a buffer that grows with what is written into it. */
export class ByteWriter {
  private bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  length = 0;

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  uint16(value: number): void {
    this.reserve(2);
    this.length = this.bytes.writeUInt16BE(value, this.length);
  }

  uint32(value: number): void {
    this.reserve(4);
    this.length = this.bytes.writeUInt32BE(value, this.length);
  }

  uint64(value: number | bigint): void {
    this.reserve(8);
    this.length = this.bytes.writeBigUInt64BE(BigInt(value), this.length);
  }

  int64(value: number): void {
    this.reserve(8);
    this.length = this.bytes.writeBigInt64BE(BigInt(value), this.length);
  }

  double(value: number): void {
    this.reserve(8);
    this.length = this.bytes.writeDoubleBE(value, this.length);
  }

  /** @throws RangeError for more than 255 bytes */
  shortString(text: string, what: string): void {
    const size = Buffer.byteLength(text);
    if (size > SHORT_STRING_BYTES) throw new RangeError(`${what} has ${size} bytes; AMQP allows ${SHORT_STRING_BYTES}`);
    this.byte(size);
    this.reserve(size);
    this.length += this.bytes.write(text, this.length);
  }

  longString(text: string): void {
    const size = Buffer.byteLength(text);
    this.uint32(size);
    this.reserve(size);
    this.length += this.bytes.write(text, this.length);
  }

  copy(source: Uint8Array, start: number, end: number): void {
    this.reserve(end - start);
    this.bytes.set(source.subarray(start, end), this.length);
    this.length += end - start;
  }

  /** Leaves room for a length that is not known yet; {@link endSized} fills it in. */
  startSized(): number {
    this.uint32(0);
    return this.length;
  }

  endSized(start: number): void {
    this.bytes.writeUInt32BE(this.length - start, start - 4);
  }

  /** What was written, as bytes of their own; the next message begins afresh. */
  take(): Buffer {
    const taken = Buffer.from(this.bytes.subarray(0, this.length));
    this.clear();
    return taken;
  }

  clear(): void {
    this.length = 0;
    if (this.bytes.length > KEPT_BYTES) this.bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  }

  private reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.length + more));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }
}
