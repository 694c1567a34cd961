const INTERVAL_MS = 500;

/**
 * Notices that the event loop stood still. A handler that computes for long without a pause keeps
 * heartbeats and every other task of the process waiting; its author should hear of it by name. By the machine's own
 * clock, whoever holds the library's: it is the machine that is measured.
 */
export class LoopWatch {
  private timer: NodeJS.Timeout | undefined;
  private due = 0;

  constructor(private readonly limitMs: number, private readonly onBlocked: (milliseconds: number) => void) {}

  /** It stands still, or did until a moment ago: what came in meanwhile has not been heard yet. */
  get isLate(): boolean {
    return this.timer !== undefined && performance.now() - this.due >= this.limitMs;
  }

  start(): void {
    if (this.timer !== undefined) return;
    this.due = performance.now() + INTERVAL_MS;
    this.timer = setInterval(() => this.check(), INTERVAL_MS);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private check(): void {
    const late = performance.now() - this.due;
    this.due = performance.now() + INTERVAL_MS;
    if (late >= this.limitMs) this.onBlocked(late);
  }
}
