import type { EndedTaskInfo, RunningTaskInfo, TaskFilter } from './model.js';

/** Of a filter of failed attempts, what holds for the next attempt of the same task too: not what the failure was, or when. */
export function narrowed({ uuid, name, queue }: TaskFilter): TaskFilter {
  return { ...(uuid === undefined ? {} : { uuid }), ...(name === undefined ? {} : { name }), ...(queue === undefined ? {} : { queue }) };
}

function isSame(one: EndedTaskInfo | RunningTaskInfo, end: EndedTaskInfo): boolean {
  return 'endedAt' in one && one.attempt === end.attempt && one.startedAt === end.startedAt && one.endedAt === end.endedAt;
}

/** Of each task its last failure, the latest first, where nothing came after it. Pure. */
export function awaitingRetry(failed: readonly EndedTaskInfo[], others: readonly (EndedTaskInfo | RunningTaskInfo)[]): EndedTaskInfo[] {
  const last = new Map<string, EndedTaskInfo>();
  for (const end of failed) if (end.endedAt > (last.get(end.uuid)?.endedAt ?? 0)) last.set(end.uuid, end);
  for (const one of others) {
    const end = last.get(one.uuid);
    // A replay begins with attempt 1 anew. What took less than a millisecond began when it ended: it is not its own successor.
    if (end !== undefined && one.startedAt >= end.endedAt && !isSame(one, end)) last.delete(one.uuid);
  }
  return [...last.values()].sort((a, b) => b.endedAt - a.endedAt);
}
