/** How much work may wait here, unstarted, as a time: more would be hoarded, less would leave slots idle. */
const AHEAD_MS = 50;
/** RabbitMQ's own advice is 100 to 300; beyond it only memory grows. */
const MOST_AHEAD = 300;
/** So many tasks must have been timed before the first change. */
const FIRST_SAMPLES = 8;
/** The weight of the newest duration in the mean: about the last 32 tasks count. */
const WEIGHT = 1 / 32;

/**
 * How many deliveries the queues of a worker keep here, running or waiting, where it starts them in shares: `limit`, and
 * beside it what the slots get done in 50 ms, so that each queue has some when its turn comes. Where tasks take longer,
 * none is kept. For a worker of one queue there is `intake/queue-prefetch.ts`.
 */
export class PrefetchPolicy {
  private mean = 0;
  private samples = 0;
  /** What applies now. */
  current: number;

  constructor(private limit: number) {
    this.current = limit;
  }

  /** Takes the duration of a task that ended. Returns the new prefetch if it should change now. */
  observe(durationMs: number): number | undefined {
    this.samples++;
    this.mean += (durationMs - this.mean) * Math.max(WEIGHT, 1 / this.samples);
    return this.samples % FIRST_SAMPLES === 0 ? this.adapt() : undefined;
  }

  /** Another limit applies from now on. Returns the prefetch that goes with it. */
  setLimit(limit: number): number {
    this.limit = limit;
    this.current = this.samples < FIRST_SAMPLES ? limit : this.target();
    return this.current;
  }

  /** Others should have what would wait here: tasks are long now, whatever they were before, or some are not for us. */
  stalled(): number {
    this.mean = Math.max(this.mean, AHEAD_MS * 2);
    this.current = this.limit;
    return this.current;
  }

  /** Changing a consumer costs three round trips, so only a change by half or more is worth it. */
  private adapt(): number | undefined {
    const target = this.target();
    if (target <= this.current * 1.5 && target >= this.current / 1.5) return undefined;
    this.current = target;
    return target;
  }

  private target(): number {
    const ahead = this.mean > AHEAD_MS ? 0 : Math.floor((this.limit * AHEAD_MS) / Math.max(this.mean, 0.001));
    return this.limit + Math.min(MOST_AHEAD, ahead);
  }
}
