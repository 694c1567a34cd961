import type { TaskPortion } from '../asking/messages.js';
import type { EndedState } from '../model.js';
import { countOf, percentile, RecentDurations } from './durations.js';
import { Tally } from './tally.js';

/** Of fewer nobody can say what is usual. */
const ENOUGH = 20;

/** What became of the tasks of one name here, and how long they took. */
export class TaskKind {
  private readonly tally = new Tally();
  private readonly durations = new RecentDurations();
  private lastEndedAt = 0;

  /** @param name `undefined`: all names of which there are too many */
  constructor(readonly name: string | undefined) {}

  /** @param durationMs where a handler has run */
  ended(now: number, end: EndedState, durationMs?: number): void {
    this.tally.ended(now, end);
    this.lastEndedAt = now;
    if (durationMs !== undefined && (end === 'succeeded' || end === 'failed' || end === 'retrying')) this.durations.add(now, durationMs);
  }

  /** What 19 of 20 took at most lately; `undefined` while too few are known. */
  usualMs(now: number): number | undefined {
    const counts = this.durations.counts(now);
    return countOf(counts) < ENOUGH ? undefined : percentile(counts, 95);
  }

  portion(now: number, startedAt: number): TaskPortion {
    const { name, tally, durations, lastEndedAt } = this;
    return {
      ...(name === undefined ? {} : { name }), totals: tally.totals, rate: tally.rate(now, startedAt), lastEndedAt,
      durations: durations.counts(now), totalMs: Math.round(durations.totalMs(now)),
    };
  }
}
