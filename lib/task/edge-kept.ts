import type { EdgeRecord } from './edge-record.js';

/** For so long what is left to a task is kept while it waits in its queue, past the end of its window. */
export const EDGE_KEPT_MS = 7 * 24 * 3_600_000;
/** Who came last is known for so long after a window, where some were skipped: they may still be on their way. */
const SKIPPED_KEPT_MS = 24 * 3_600_000;

/** For how long a record is kept from now on. */
export function edgeKeptMs({ state, until, skipped, before }: EdgeRecord, now: number): number {
  const restMs = Math.max(until - now, 1);
  if (state === 'waiting') return restMs + EDGE_KEPT_MS;
  if (state === 'publishing') return before === undefined ? restMs : restMs + EDGE_KEPT_MS;
  return skipped === undefined ? restMs : restMs + SKIPPED_KEPT_MS;
}
