import type { Clock } from '../../../../lib/brokers/store/clock.js';

/** Time that passes only when told to. */
export class ManualClock implements Clock {
  private readonly timers = new Map<number, { at: number; run: () => void }>();
  private id = 0;

  constructor(private time = 1_000_000) {}

  readonly now = (): number => this.time;

  readonly wall = (): number => this.time;

  readonly after = (ms: number, run: () => void): (() => void) => {
    const id = ++this.id;
    this.timers.set(id, { at: this.time + ms, run });
    return () => this.timers.delete(id);
  };

  readonly look = this.after;

  get pending(): number {
    return this.timers.size;
  }

  /** Runs what falls due on the way, in order. */
  pass(ms: number): void {
    const end = this.time + ms;
    for (;;) {
      const next = [...this.timers].filter(([, timer]) => timer.at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
      if (next === undefined) break;
      this.timers.delete(next[0]);
      this.time = Math.max(this.time, next[1].at);
      next[1].run();
    }
    this.time = end;
  }

  /** The wall clock is set; timers do not notice. */
  set(time: number): void {
    this.time = time;
  }
}
