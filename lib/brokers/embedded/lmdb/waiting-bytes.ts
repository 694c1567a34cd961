import { PublishBufferFullError } from '../../../errors.js';

/** The account of what waits to be written; it has a limit. */
export class WaitingBytes {
  private bytes = 0;

  constructor(
    private readonly folder: string,
    private readonly limit: number,
  ) {}

  /** @throws PublishBufferFullError */
  reserve(bytes: number): void {
    if (this.bytes + bytes > this.limit) {
      throw new PublishBufferFullError(
        `${this.bytes} bytes wait to be written to '${this.folder}', and a message of ${bytes} bytes does not fit on top: the limit (maxWaitingBytes) is ${this.limit}. ` +
          'Wait for earlier publishes before starting more, or raise the limit.',
        { waitingBytes: this.bytes, messageBytes: bytes, maxWaitingBytes: this.limit });
    }
    this.bytes += bytes;
  }

  release(bytes: number): void {
    this.bytes -= bytes;
  }
}
