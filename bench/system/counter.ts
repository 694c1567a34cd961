import type { OnTask } from './contract.js';
import { Latencies } from './latencies.js';
import { nowMicros } from './make-task.js';
import type { Settings } from './settings.js';

export interface Marks {
  started(): void;
  /** One task, where each is told. */
  finished(): void;
  done(report: Record<string, number>): void;
}

/** What the handlers call: counts, times the measured part, and lets the long tasks take their time. */
export function countTasks(settings: Settings, marks: Marks): OnTask {
  const { warmup, count } = settings;
  const tally = settings.tally === 'on';
  const latencies = settings.publishing === 'paced' ? new Latencies(count) : undefined;
  let seen = 0;
  const finished = (): void => {
    seen++;
    if (tally) marks.finished();
    if (seen === warmup) marks.started();
    if (seen === warmup + count) marks.done(latencies?.percentiles() ?? {});
  };
  return (mark) => {
    if (mark < 0) return new Promise<void>((resolve) => setTimeout(resolve, -mark)).then(finished);
    if (latencies && seen >= warmup) latencies.add((nowMicros() - mark) / 1000);
    finished();
  };
}
