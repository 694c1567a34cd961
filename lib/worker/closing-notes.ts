import type { EventSink, TaskIdentity } from '../events/dispatcher-event.js';
import { Timer } from '../time/timer.js';

const EVERY_MS = 5_000;

/** Tells for what a worker that closes waits, and until when: at once, and every few seconds. */
export class ClosingNotes {
  private timer: Timer | undefined;

  /** @param until milliseconds since 1970 */
  constructor(private readonly worker: string, private readonly running: () => readonly TaskIdentity[], private readonly until: number, private readonly emit: EventSink) {
    this.tell();
  }

  stop(): void {
    this.timer?.cancel();
  }

  private tell(): void {
    const running = this.running();
    if (running.length > 0) this.emit({ type: 'worker.waiting', worker: this.worker, running, until: this.until });
    this.timer = new Timer(EVERY_MS, () => this.tell());
  }
}
