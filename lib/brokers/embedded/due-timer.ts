import { clock } from '../../time/clock.js';
import type { Clock } from '../store/clock.js';

/**
 * Long timers are cut, because a timer does not see the wall clock being set forward or a laptop asleep,
 * and because Node fires those beyond 2^31-1 ms at once.
 */
const LONGEST_MS = 30_000;

/** One timer for the earliest of any number of due times. */
export class DueTimer {
  private due = Infinity;
  private cancel: (() => void) | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly onDue: () => void,
  ) {}

  /** Fires at this time (milliseconds since 1970) or at an earlier one set before. */
  setAtLatest(due: number): void {
    if (due >= this.due) return;
    this.due = due;
    this.arm();
  }

  stop(): void {
    this.due = Infinity;
    this.cancel?.();
    this.cancel = undefined;
  }

  private arm(): void {
    this.cancel?.();
    const wait = Math.max(0, this.due - this.clock.now());
    this.cancel = this.clock.after(clock.inParts(wait, LONGEST_MS), () => this.fired());
  }

  private fired(): void {
    this.cancel = undefined;
    // A timer may fire a moment early; a delayed message must not.
    if (this.clock.now() < this.due) return this.arm();
    this.due = Infinity;
    this.onDue();
  }
}

/**
 * When a message delayed now is due. The clock shows whole milliseconds, cut off: without the one
 * on top, a delay could end up to a millisecond early.
 */
export function dueTime(clock: Clock, delayMs: number): number {
  return clock.now() + Math.ceil(delayMs) + 1;
}
