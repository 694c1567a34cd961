import type { TaskPortion } from './asking/messages.js';
import { countOf, mergedCounts, percentile } from './book/durations.js';
import type { Durations, RunTotals, TasksReport, TaskStats } from './model.js';

/** Of several processes; those of which most have ended first. Pure. */
export function tasksReport(portions: readonly TaskPortion[], limit: number): TasksReport {
  const byName = new Map<string, TaskPortion[]>();
  for (const portion of portions) {
    if (portion.name === undefined) continue;
    const known = byName.get(portion.name);
    if (known === undefined) byName.set(portion.name, [portion]);
    else known.push(portion);
  }
  const tasks = [...byName].map(([name, parts]) => ({ name, ...statsOf(parts) }));
  return { tasks: tasks.sort((a, b) => endedOf(b) - endedOf(a) || (a.name < b.name ? -1 : 1)).slice(0, limit), overall: statsOf(portions) };
}

function statsOf(portions: readonly TaskPortion[]): TaskStats {
  const sum = (of: (portion: TaskPortion) => number): number => portions.reduce((total, portion) => total + of(portion), 0);
  const total = (name: keyof RunTotals): number => sum(({ totals }) => totals[name]);
  return {
    totals: { succeeded: total('succeeded'), failed: total('failed'), retried: total('retried'), cancelled: total('cancelled') }, rate: sum(({ rate }) => rate),
    durations: durationsOf(mergedCounts(portions.map(({ durations }) => durations)), sum(({ totalMs }) => totalMs)),
    lastEndedAt: portions.reduce((latest, { lastEndedAt }) => Math.max(latest, lastEndedAt), 0),
  };
}

function durationsOf(counts: readonly number[], totalMs: number): Durations {
  const count = countOf(counts);
  const at = (percent: number): number => Math.round(percentile(counts, percent) * 100) / 100;
  return { count, p50Ms: at(50), p95Ms: at(95), p99Ms: at(99), meanMs: count === 0 ? 0 : Math.round(totalMs / count * 100) / 100, totalMs };
}

function endedOf({ totals: { succeeded, failed, retried, cancelled } }: TaskStats): number {
  return succeeded + failed + retried + cancelled;
}
