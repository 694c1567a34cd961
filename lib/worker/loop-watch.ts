import { clock, type ClockTimer } from '../time/clock.js';

const INTERVAL_MS = 500;

/**
 * Notices that the event loop stood still. A handler that computes for long without a pause keeps
 * heartbeats and every other task of the process waiting; its author should hear of it by name.
 */
export class LoopWatch {
  private timer: ClockTimer | undefined;
  private due = 0;

  constructor(private readonly limitMs: number, private readonly onBlocked: (milliseconds: number) => void) {}

  /** It stands still, or did until a moment ago: what came in meanwhile has not been heard yet. */
  get isLate(): boolean {
    return this.timer !== undefined && clock.elapsed() - this.due >= this.limitMs;
  }

  start(): void {
    if (this.timer !== undefined) return;
    this.due = clock.elapsed() + INTERVAL_MS;
    this.timer = clock.setInterval(() => this.check(), INTERVAL_MS);
    this.timer.unref();
  }

  stop(): void {
    clock.clear(this.timer);
    this.timer = undefined;
  }

  private check(): void {
    const late = clock.elapsed() - this.due;
    this.due = clock.elapsed() + INTERVAL_MS;
    if (late >= this.limitMs) this.onBlocked(late);
  }
}
