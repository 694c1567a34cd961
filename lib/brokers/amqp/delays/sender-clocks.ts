import type { Delayed } from './delayed-header.js';

/** By how much the clocks of two machines may differ; see docs/delivery-guarantees.md. */
export const CLOCKS_APART_MS = 60_000;

/** What was seen before this is forgotten within twice as long: a clock may have been set. */
const WINDOW_MS = 30_000;
const MOST_SENDERS = 1_000;

/**
 * How long what was delayed is still to be waited, where its sender's clock and ours differ. When it is due says the sender's
 * clock; should that be behind ours, a short pause would be over before it has begun. How far it is behind nobody can
 * tell from one message, which may have stood in a queue; but the one that took least of all of a sender shows the most that it can be.
 */
export class SenderClocks {
  private recent = new Map<string, number>();
  private before = new Map<string, number>();
  private since = -Infinity;

  get size(): number {
    return this.recent.size + this.before.size;
  }

  /**
   * @param now milliseconds since 1970
   * @param elapsedMs by a clock that nobody sets
   * @returns milliseconds from now, at most 0 where it is due
   */
  restMs({ due, sent }: Delayed, now: number, elapsedMs: number): number {
    const byClock = due - now;
    // A clock that says more than clocks may differ was set, and says nothing of the delay.
    if (sent === undefined) return byClock > CLOCKS_APART_MS ? 0 : byClock;
    const { by, at, ladderMs } = sent;
    const heldHereMs = Math.max(0, due - at - ladderMs);
    const underwayMs = now - at - ladderMs;
    if (underwayMs < -CLOCKS_APART_MS) return heldHereMs;
    return byClock + Math.min(CLOCKS_APART_MS, Math.max(0, this.least(by, underwayMs, elapsedMs)));
  }

  /** At most what this one took: never is more than all that was left of its delay waited once more. */
  private least(sender: string, underwayMs: number, elapsedMs: number): number {
    if (elapsedMs - this.since > WINDOW_MS || this.recent.size >= MOST_SENDERS) {
      [this.before, this.recent, this.since] = [this.recent, new Map<string, number>(), elapsedMs];
    }
    const least = Math.min(underwayMs, this.recent.get(sender) ?? Infinity);
    this.recent.set(sender, least);
    return Math.min(least, this.before.get(sender) ?? Infinity);
  }
}
