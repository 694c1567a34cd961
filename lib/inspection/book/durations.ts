/** Durations are counted by size: each bucket begins at 9 % more than the one before it, from a tenth of a millisecond to 30 hours. */
const LEAST_MS = 0.1;
const BUCKETS_OF_DOUBLING = 8;
export const DURATION_BUCKETS = 240;
/** What is older than two of these periods is forgotten. */
const PERIOD_MS = 30 * 60_000;

/** Pairs of a bucket and how many are in it, one after the other: of many buckets few are in use. */
export type DurationCounts = readonly number[];

/** How long what ran in the last half hour, or up to an hour, took. Writing one down makes nothing new. */
export class RecentDurations {
  private current = new Uint32Array(DURATION_BUCKETS);
  private previous = new Uint32Array(DURATION_BUCKETS);
  private currentMs = 0;
  private previousMs = 0;
  private period = 0;

  add(now: number, durationMs: number): void {
    this.turn(now);
    const bucket = bucketOf(durationMs);
    this.current[bucket] = (this.current[bucket] ?? 0) + 1;
    this.currentMs += durationMs;
  }

  counts(now: number): number[] {
    this.turn(now);
    const counts: number[] = [];
    for (let bucket = 0; bucket < DURATION_BUCKETS; bucket++) {
      const count = (this.current[bucket] ?? 0) + (this.previous[bucket] ?? 0);
      if (count > 0) counts.push(bucket, count);
    }
    return counts;
  }

  totalMs(now: number): number {
    this.turn(now);
    return this.currentMs + this.previousMs;
  }

  private turn(now: number): void {
    const period = Math.floor(now / PERIOD_MS);
    if (period === this.period) return;
    [this.current, this.previous] = [this.previous, this.current];
    this.previousMs = this.currentMs;
    if (period !== this.period + 1) {
      this.previous.fill(0);
      this.previousMs = 0;
    }
    this.current.fill(0);
    this.currentMs = 0;
    this.period = period;
  }
}

/** All of several lists in one. What is no bucket of ours is left out. */
export function mergedCounts(lists: readonly DurationCounts[]): number[] {
  const sums = new Float64Array(DURATION_BUCKETS);
  for (const list of lists) {
    for (let at = 0; at + 1 < list.length; at += 2) {
      const [bucket = -1, count = 0] = [list[at], list[at + 1]];
      if (bucket in sums && count > 0) sums[bucket] = (sums[bucket] ?? 0) + count;
    }
  }
  return [...sums].flatMap((count, bucket) => (count > 0 ? [bucket, count] : []));
}

export function countOf(counts: DurationCounts): number {
  let sum = 0;
  for (let at = 1; at < counts.length; at += 2) sum += counts[at] ?? 0;
  return sum;
}

/** What so many percent took at most, within 5 percent. 0 where nothing was counted. */
export function percentile(counts: DurationCounts, percent: number): number {
  const wanted = Math.ceil(countOf(counts) * percent / 100);
  let seen = 0;
  for (let at = 0; at + 1 < counts.length; at += 2) {
    seen += counts[at + 1] ?? 0;
    if (seen >= wanted) return middleOf(counts[at] ?? 0);
  }
  return 0;
}

function bucketOf(durationMs: number): number {
  const bucket = Math.floor(Math.log2(durationMs / LEAST_MS) * BUCKETS_OF_DOUBLING);
  return bucket > 0 ? Math.min(bucket, DURATION_BUCKETS - 1) : 0;
}

function middleOf(bucket: number): number {
  return LEAST_MS * 2 ** ((bucket + 0.5) / BUCKETS_OF_DOUBLING);
}
