/** How much work may wait here unstarted, as a time: more would be hoarded while a neighbour idles. */
const LEAST_AHEAD_MS = 10;
const MOST_AHEAD_MS = 50;
/** What waits covers the way to the broker and back, twice, and as much again while acknowledgements gather. */
const ROUND_TRIPS = 4;
/** RabbitMQ's own advice is 100 to 300; beyond it only memory grows. */
const MOST_AHEAD = 300;
/** About the last so many tasks count, and so many for each slot: what runs must not outweigh what has ended. */
const LEAST_WINDOW = 128;
const WINDOW_FOR_SLOT = 8;
/** A task that has run for so long is no short one, and how long it will take, nobody knows: it counts as so long, or twice what it took. */
const SUSPECT_MS = 5;
const SUSPECTED_MS = 100;
/** Looked at after so many tasks, and not oftener than so: what still runs is looked at one by one. */
const TASKS_BETWEEN_LOOKS = 8;
const MS_BETWEEN_LOOKS = 1;
/** Those that end first are the short ones. What runs beside them shows within so long whether there are others. */
const GROW_AFTER_MS = 20;
/** Changing a consumer costs round trips: only a change by half or more, or by a tenth of the limit, is worth it. */
const WORTHWHILE = 1.5;

export interface Pace {
  readonly limit: number;
  /** What a task takes, in the mean. */
  readonly taskMs: number;
  readonly roundTripMs: number;
}

/** How many deliveries may wait beside the `limit` that run: what the slots get done while the next come, by Little's law. */
export function aheadOf({ limit, taskMs, roundTripMs }: Pace): number {
  const aheadMs = Math.min(MOST_AHEAD_MS, Math.max(LEAST_AHEAD_MS, ROUND_TRIPS * roundTripMs));
  return Math.min(MOST_AHEAD, Math.floor((limit * aheadMs) / Math.max(taskMs, 0.001)));
}

/** Those that count. */
export interface EndedTasks {
  readonly count: number;
  readonly sumMs: number;
  /** Within which they have ended. */
  readonly spanMs: number;
}

/**
 * What a task takes, by those that have ended and those that still run. Counting only the former would take the short
 * ones of a mixture for all there is, until the long ones have ended: by then hundreds wait behind them. One
 * that has run for longer than all these took to end is passed over: its like are among those that have ended.
 */
export function taskTime(ended: EndedTasks, runningMs: Iterable<number>): number {
  let { count, sumMs } = ended;
  for (const age of runningMs) {
    if (age <= SUSPECT_MS || age > ended.spanMs) continue;
    count++;
    sumMs += Math.max(2 * age, SUSPECTED_MS);
  }
  return count === 0 ? Infinity : sumMs / count;
}

/**
 * How many deliveries of one queue a worker holds, running or waiting. With just `limit`, every task waits for a round
 * trip to the broker; with many more, long tasks sit here while other workers idle.
 */
export class QueuePrefetch {
  private readonly taken = { count: 0, sumMs: 0, spanMs: 0 };
  private endedAt: number | undefined;
  private sinceLook = 0;
  private lookedAt = 0;
  /** The first that ended says when this begins; see {@link GROW_AFTER_MS}. */
  private changedAt: number | undefined;
  private ahead = 0;
  private roundTripMs = 0;

  constructor(private limit: number) {}

  /** What applies now. */
  get current(): number { return this.limit + this.ahead; }

  /** How long the broker took to answer. */
  tookRoundTrip(ms: number): void {
    this.roundTripMs = this.roundTripMs === 0 ? ms : Math.min(this.roundTripMs, ms);
  }

  /**
   * A task ended, at this time by the clock of the process, after so long.
   * @param runningMs for how long those run that still do
   * @returns true where {@link current} has changed
   */
  ended(now: number, durationMs: number, runningMs: () => Iterable<number>): boolean {
    this.take(now, durationMs);
    this.changedAt ??= now;
    if (++this.sinceLook < TASKS_BETWEEN_LOOKS || now - this.lookedAt < MS_BETWEEN_LOOKS) return false;
    this.sinceLook = 0;
    this.lookedAt = now;
    return this.change(now, this.target(runningMs()));
  }

  /** Another limit applies from now on. */
  setLimit(limit: number): void {
    this.limit = limit;
    if (this.ahead > 0) this.ahead = this.target([]);
  }

  /** Others should have what would wait here: tasks are long now, whatever they were before, or some are not for us. */
  stalled(now: number): void {
    this.taken.sumMs = Math.max(this.taken.sumMs, this.taken.count * SUSPECTED_MS);
    this.ahead = 0;
    this.changedAt = now;
  }

  private take(now: number, durationMs: number): void {
    const { taken } = this;
    const window = LEAST_WINDOW + WINDOW_FOR_SLOT * this.limit;
    if (taken.count < window) {
      taken.count++;
    } else {
      taken.sumMs -= taken.sumMs / window;
      taken.spanMs -= taken.spanMs / window;
    }
    taken.sumMs += durationMs;
    taken.spanMs += now - (this.endedAt ?? now - durationMs);
    this.endedAt = now;
  }

  private target(runningMs: Iterable<number>): number {
    return aheadOf({ limit: this.limit, taskMs: taskTime(this.taken, runningMs), roundTripMs: this.roundTripMs });
  }

  private change(now: number, target: number): boolean {
    const slack = this.limit / 10;
    if (target <= this.ahead * WORTHWHILE + slack && target >= this.ahead / WORTHWHILE - slack) return false;
    if (target > this.ahead && now - (this.changedAt ?? now) < GROW_AFTER_MS) return false;
    this.ahead = target;
    this.changedAt = now;
    return true;
  }
}
