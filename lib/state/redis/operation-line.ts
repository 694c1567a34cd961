import type { RedisArgument } from '@redis/client';
import { BatchLine } from '../../redis/batch-line.js';
import { pack } from '../../redis/pack.js';

/** One operation as the script has it. */
interface Asked {
  /** Its name, then what it takes. */
  readonly args: readonly RedisArgument[];
  readonly bytes: number;
  readonly answered: (reply: unknown) => void;
  readonly failed: (error: unknown) => void;
}

/** Few and small: the server does nothing else meanwhile. */
const BATCHES = { most: 200, mostBytes: 256 * 1024, mostUnderWay: 4 };
/** What an operation costs beside its values, roughly. */
const OVERHEAD_BYTES = 128;

/** Sends what one turn of the event loop asks of the store as one request, and gives each what it was answered. */
export class OperationLine {
  private readonly line: BatchLine<Asked>;

  /** @param send runs the script; its answer has one entry for each operation. May throw at once */
  constructor(private readonly send: (packed: Buffer) => Promise<unknown[]>) {
    this.line = new BatchLine(BATCHES, { send: (batch) => this.sendAll(batch), canSend: () => true, bytesOf: ({ bytes }) => bytes });
  }

  /** One of both is called, never at once: `failed` with the driver's errors, or with what `send` threw. */
  ask(args: readonly RedisArgument[], answered: (reply: unknown) => void, failed: (error: unknown) => void): void {
    let bytes = OVERHEAD_BYTES;
    for (const arg of args) bytes += arg.length;
    this.line.add({ args, bytes, answered, failed });
  }

  /** What was not sent yet is not going to be. */
  reject(error: Error): void {
    for (const { failed } of this.line.takeWaiting()) failed(error);
  }

  /** Never rejects: whoever asked decides whether to ask again. */
  private async sendAll(batch: readonly Asked[]): Promise<void> {
    try {
      const replies = await this.send(pack(batch.flatMap(({ args }) => args)));
      for (const [index, { answered, failed }] of batch.entries()) {
        const reply = replies[index];
        if (reply instanceof Error) failed(reply);
        else answered(reply);
      }
    } catch (error) {
      for (const { failed } of batch) failed(error);
    }
  }
}
