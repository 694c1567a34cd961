import type { EndedState, RunTotals } from '../model.js';

const SECONDS = 60;

/** How many have ended in one worker, or of one name: since the process was started, and in each of the last 60 seconds. */
export class Tally {
  private succeeded = 0;
  private failed = 0;
  private retried = 0;
  private cancelled = 0;
  private readonly seconds = new Float64Array(SECONDS);
  private readonly counts = new Float64Array(SECONDS);

  ended(now: number, state: EndedState): void {
    if (state === 'succeeded') this.succeeded++;
    else if (state === 'failed') this.failed++;
    else if (state === 'retrying') this.retried++;
    else if (state === 'cancelled') this.cancelled++;
    // Whole numbers of 32 bits, till 2106: a remainder of others is a call out of JavaScript.
    const second = (now / 1000) >>> 0;
    const slot = second % SECONDS;
    if (this.seconds[slot] !== second) {
      this.seconds[slot] = second;
      this.counts[slot] = 0;
    }
    this.counts[slot] = (this.counts[slot] ?? 0) + 1;
  }

  get totals(): RunTotals {
    const { succeeded, failed, retried, cancelled } = this;
    return { succeeded, failed, retried, cancelled };
  }

  /** Ended per second over the last minute, or since `startedAt` where that is less. */
  rate(now: number, startedAt: number): number {
    const oldest = Math.floor(now / 1000) - SECONDS + 1;
    let count = 0;
    for (let slot = 0; slot < SECONDS; slot++) if ((this.seconds[slot] ?? 0) >= oldest) count += this.counts[slot] ?? 0;
    return count / Math.min(SECONDS, Math.max(1, (now - startedAt) / 1000));
  }
}
