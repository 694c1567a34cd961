import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';

/** The histogram is of times between two of its own timers, which are so far apart. */
const RESOLUTION_MS = 20;
const NANOSECONDS = 1e9;

/** How late the event loop is, since it was last asked. */
export class LoopDelay {
  private readonly histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  constructor() {
    this.histogram.enable();
  }

  /** What 99 in 100 turns were late at most, in seconds. */
  read(): number {
    const late = this.histogram.percentile(99) / NANOSECONDS - RESOLUTION_MS / 1_000;
    this.histogram.reset();
    return Math.max(0, late);
  }

  stop(): void {
    this.histogram.disable();
  }
}
