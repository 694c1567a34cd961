export interface ReconnectionOptions {
  /** Attempts after a failure; the count restarts after each success. 0: a lost connection is not made again. */
  retries: number | 'forever';
  /** A fixed pause between attempts. Default: exponential from 100 ms to `longestMs` with full jitter. */
  intervalMs?: number;
  /** In milliseconds. Default: 30,000. */
  longestMs?: number;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;
/** A refusal does not pass by itself: often enough to notice a mended password, too seldom to lock an account. */
const REFUSED_PAUSE_MS = 60_000;

/**
 * How long to wait before the next attempt, or `undefined` when the retries are spent.
 * `retriesMade`: attempts since the last success that were retries.
 */
export function pauseBeforeRetry(options: ReconnectionOptions, retriesMade: number, refused: boolean, random: () => number): number | undefined {
  if (options.retries !== 'forever' && retriesMade >= options.retries) return undefined;
  if (refused) return Math.max(REFUSED_PAUSE_MS, options.intervalMs ?? 0);
  return options.intervalMs ?? exponentialPause(retriesMade, FIRST_PAUSE_MS, options.longestMs ?? LONGEST_PAUSE_MS, random);
}

/** Full jitter: many clients that lost one broker must not all come back at one moment. */
export function exponentialPause(failures: number, firstMs: number, longestMs: number, random: () => number): number {
  const ceiling = Math.min(longestMs, firstMs * 2 ** Math.min(failures, 30));
  return Math.ceil(random() * ceiling);
}
