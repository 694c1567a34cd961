import { Observable } from 'rxjs';
import type { ResultReader } from '../../results/result-reader.js';
import { isFinal, type TaskResult, type TimelineEntry } from '../../results/task-result.js';
import { resultOf } from './result-of.js';

/** One thing that happened to a task. The last one is its end. @publicApi */
export interface Report<Value = unknown> extends TimelineEntry {
  readonly uuid: string;
  /** Of the task. */
  readonly name: string;
  /** Nothing follows it. */
  readonly final: boolean;
  /** What the handler returned, in the final report of a task that `succeeded`. */
  readonly value?: Value;
}

export interface ReportsOptions {
  readonly reader: ResultReader;
  readonly uuid: string;
  /** What the caller knows first hand, told before all else. */
  readonly published?: TimelineEntry & { readonly name: string };
  readonly closing: AbortSignal;
}

/**
 * The story of a task up to its end, from its start for whoever subscribes late. Of progress that comes faster than
 * it is told only the latest is; the end is never left out. The end of a failure is told twice, as the final report
 * and then as the Observable's error.
 */
export function reportsOf({ reader, uuid, published, closing }: ReportsOptions): Observable<Report> {
  return new Observable<Report>((subscriber) => {
    let told: ReadonlySet<string> = new Set();
    const onClosing = (): void => subscriber.error(closing.reason);
    if (closing.aborted) return onClosing();
    closing.addEventListener('abort', onClosing);
    if (published !== undefined) subscriber.next({ ...published, uuid, final: false });
    const stop = reader.watch(uuid, (result) => {
      const before = told;
      // Only what is in the record now: it has bounds, and so has this.
      told = new Set(result.timeline.map(keyOf));
      for (const entry of result.timeline) {
        const known = before.has(keyOf(entry)) || (published !== undefined && entry.state === 'published' && entry.replayed !== true);
        if (!known) subscriber.next(reportOf(result, entry));
      }
      if (!isFinal(result.state)) return;
      try {
        resultOf(result);
        subscriber.complete();
      } catch (error) {
        subscriber.error(error);
      }
    }, (error) => subscriber.error(error));
    return () => {
      closing.removeEventListener('abort', onClosing);
      stop();
    };
  });
}

function reportOf({ uuid, name, outcome }: TaskResult, entry: TimelineEntry): Report {
  const report = { ...entry, uuid, name, final: isFinal(entry.state) };
  return entry.state === 'succeeded' && outcome?.kind === 'value' ? { ...report, value: outcome.value } : report;
}

/** What makes it another than the ones before: a task does not do the same thing twice in a millisecond. */
function keyOf({ state, at, attempt, worker, fraction }: TimelineEntry): string {
  return `${state} ${at} ${attempt} ${fraction} ${worker}`;
}
