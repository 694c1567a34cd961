import { PublishBufferFullError } from '../../errors.js';

const MAX_TASKS = 10_000;
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Holds what is published before the exchange and the queues exist: sent earlier, a task would be refused as
 * unroutable. The first that comes starts the connection, so a provider's `onModuleInit` may publish.
 */
export class StartGate {
  isOpen = false;
  private opening: Promise<void> | undefined;
  private tasks = 0;
  private bytes = 0;

  constructor(private readonly connect: () => Promise<void>) {}

  /** Idempotent; after a failure it stays closed and everybody gets the same error. */
  open(): Promise<void> {
    return (this.opening ??= this.connect().then(() => { this.isOpen = true; }));
  }

  /**
   * Resolves when the gate is open. The wait ends with the limit of the start.
   *
   * @throws PublishBufferFullError when too much waits already
   */
  async pass(bytes: number): Promise<void> {
    if (this.tasks >= MAX_TASKS || this.bytes + bytes > MAX_BYTES) {
      throw new PublishBufferFullError(
        `${this.tasks} tasks (${this.bytes} bytes) wait for the first connection to the broker already; no more than ${MAX_TASKS} tasks or ${MAX_BYTES} bytes may. `
        + 'Await earlier tasks before publishing more, or use publishMany.', { tasks: this.tasks, bytes: this.bytes });
    }
    this.tasks++;
    this.bytes += bytes;
    try {
      await this.open();
    } finally {
      this.tasks--;
      this.bytes -= bytes;
    }
  }
}
