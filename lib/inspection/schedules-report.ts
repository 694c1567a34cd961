import type { ScheduleInfo } from '../schedules/schedule.js';
import type { TickEnd } from './asking/messages.js';

/** Those whose tasks are asked about: the latest of all schedules. */
const MOST_ASKED = 1_000;

export function tasksOfFirings(schedules: readonly ScheduleInfo[]): string[] {
  const firings = schedules.flatMap((schedule) => schedule.firings).sort((a, b) => b.tick.getTime() - a.tick.getTime());
  return firings.flatMap(({ uuid }) => (uuid === undefined ? [] : [uuid])).slice(0, MOST_ASKED);
}

/** With what became of the tasks, as far as anybody knows. Of several runs of one, what runs now, else the latest. */
export function withOutcomes(schedules: readonly ScheduleInfo[], ends: readonly TickEnd[]): ScheduleInfo[] {
  const known = new Map<string, TickEnd>();
  for (const end of ends) {
    const before = known.get(end.uuid);
    if (before === undefined || rank(end) > rank(before)) known.set(end.uuid, end);
  }
  return schedules.map((schedule) => ({
    ...schedule,
    firings: schedule.firings.map((firing) => {
      const end = firing.uuid === undefined ? undefined : known.get(firing.uuid);
      if (end === undefined) return firing;
      const { state, at, attempt, error } = end;
      return { ...firing, outcome: { state, at: new Date(at), attempt, ...(error === undefined ? {} : { error }) } };
    }),
  }));
}

function rank({ state, at }: TickEnd): number {
  return state === 'running' ? Infinity : at;
}
