import { PublishBufferFullError } from '../../errors.js';
import { Timer } from '../../time/timer.js';

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

  /** @param limitMs how long anybody waits for it; `undefined`: the connecting has an end of its own */
  constructor(private readonly connect: () => Promise<void>, private readonly limitMs?: number, private readonly timeUp: () => Error = () => new Error()) {}

  /** Idempotent; after a failure it stays closed and everybody gets the same error. May take for ever where a limit is given. */
  open(): Promise<void> {
    return (this.opening ??= this.connect().then(() => { this.isOpen = true; }));
  }

  /** Closes it until this has ended, well or not: what is published waits for what is declared meanwhile. */
  closeWhile(work: Promise<unknown>): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    const opening = work.then(() => undefined, () => undefined).then(() => { if (this.opening === opening) this.isOpen = true; });
    this.opening = opening;
  }

  /** Resolves when the gate is open. @throws what {@link open} throws, or when the time is up */
  async ready(): Promise<void> {
    if (this.isOpen) return;
    if (this.limitMs === undefined) return this.open();
    let timer: Timer | undefined;
    const late = new Promise<never>((_, reject) => { timer = new Timer(this.limitMs as number, () => reject(this.timeUp())); });
    try {
      await Promise.race([this.open(), late]);
    } finally {
      timer?.cancel();
    }
  }

  /**
   * As {@link ready}, for a task of so many bytes.
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
      await this.ready();
    } finally {
      this.tasks--;
      this.bytes -= bytes;
    }
  }
}
