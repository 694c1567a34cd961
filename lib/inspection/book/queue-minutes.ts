import type { QueueMinute } from '../model.js';

export const MINUTE_MS = 60_000;
export const MINUTES = 60;
const COLUMNS = 5;

/** What happened in the workers of one queue in each of the last 60 minutes. */
export class QueueMinutes {
  /** The minute that each row is of. */
  private readonly minutes = new Float64Array(MINUTES);
  private readonly counts = new Float64Array(MINUTES * COLUMNS);

  received(now: number): void {
    this.add(this.rowAt(now), 0, 1);
  }

  ended(now: number, how: 'succeeded' | 'failed' | 'retried', busyMs: number): void {
    const row = this.rowAt(now);
    this.add(row, how === 'succeeded' ? 1 : how === 'failed' ? 2 : 3, 1);
    this.add(row, 4, busyMs);
  }

  /**
   * Those in which something happened, the oldest first.
   *
   * @param since no minute that began before it
   */
  list(now: number, since = 0): QueueMinute[] {
    const oldest = Math.max(Math.floor(now / MINUTE_MS) - MINUTES + 1, Math.ceil(since / MINUTE_MS));
    const rows = Array.from(this.minutes, (minute, row) => ({ minute, row })).filter(({ minute }) => minute >= oldest && minute > 0).sort((a, b) => a.minute - b.minute);
    return rows.map(({ minute, row }) => {
      const [received = 0, succeeded = 0, failed = 0, retried = 0, busyMs = 0] = this.counts.subarray(row * COLUMNS, (row + 1) * COLUMNS);
      return { at: minute * MINUTE_MS, received, succeeded, failed, retried, busyMs: Math.round(busyMs) };
    });
  }

  private rowAt(now: number): number {
    // Whole numbers of 32 bits: a remainder of others is a call out of JavaScript.
    const minute = (now / MINUTE_MS) >>> 0;
    const row = minute % MINUTES;
    if (this.minutes[row] !== minute) {
      this.minutes[row] = minute;
      this.counts.fill(0, row * COLUMNS, (row + 1) * COLUMNS);
    }
    return row;
  }

  private add(row: number, column: number, value: number): void {
    const cell = row * COLUMNS + column;
    this.counts[cell] = (this.counts[cell] ?? 0) + value;
  }
}

/** Of the same queue in several processes. */
export function mergedMinutes(lists: readonly (readonly QueueMinute[])[]): QueueMinute[] {
  const merged = new Map<number, QueueMinute>();
  for (const minute of lists.flat()) {
    const before = merged.get(minute.at);
    merged.set(minute.at, before === undefined ? minute : {
      at: minute.at, received: before.received + minute.received, succeeded: before.succeeded + minute.succeeded, failed: before.failed + minute.failed,
      retried: before.retried + minute.retried, busyMs: before.busyMs + minute.busyMs,
    });
  }
  return [...merged.values()].sort((a, b) => a.at - b.at).slice(-MINUTES);
}
