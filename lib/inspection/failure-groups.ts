import { failureId, type FailureMark, frameText, normalised } from './failure-mark.js';
import type { EndedTaskInfo, FailureGroup, FailureNote } from './model.js';

const MOST_QUEUES = 20;

export interface Failure {
  readonly told: EndedTaskInfo;
  readonly mark: FailureMark;
}

/** @param folder of the application: paths are shown from there @param failures the newest first */
export function failureGroups(failures: Iterable<Failure>, folder: string): FailureGroup[] {
  const groups = new Map<string, FailureGroup>();
  for (const failure of failures) {
    const group = groupOf(failure, folder);
    if (group === undefined) continue;
    const known = groups.get(group.id);
    groups.set(group.id, known === undefined ? group : joined(known, group));
  }
  return [...groups.values()];
}

/** Of several processes; the latest first. */
export function mergedGroups(groups: Iterable<FailureGroup>): FailureGroup[] {
  const merged = new Map<string, FailureGroup>();
  for (const group of groups) {
    const known = merged.get(group.id);
    merged.set(group.id, known === undefined ? group : joined(known, group));
  }
  return [...merged.values()].sort((a, b) => b.lastAt - a.lastAt);
}

function groupOf({ told, mark }: Failure, folder: string): FailureGroup | undefined {
  if (told.error === undefined) return undefined;
  const { name, error: { name: errorName, message }, state, endedAt, queue } = told;
  const error = { name: errorName, message: normalised(message), ...(mark.frame === undefined ? {} : { frame: frameText(mark.frame, folder) }) };
  return { id: failureId(name, mark), name, error, count: 1, dead: state === 'failed' ? 1 : 0, firstAt: endedAt, lastAt: endedAt, queues: [queue], example: told };
}

function joined(a: FailureGroup, b: FailureGroup): FailureGroup {
  return {
    ...(a.lastAt >= b.lastAt ? a : b), count: a.count + b.count, dead: a.dead + b.dead,
    firstAt: Math.min(a.firstAt, b.firstAt), queues: [...new Set([...a.queues, ...b.queues])].slice(0, MOST_QUEUES),
  };
}

/** What somebody has noted of them. */
export function withNotes(groups: readonly FailureGroup[], notes: ReadonlyMap<string, FailureNote>): FailureGroup[] {
  return groups.map((group) => {
    const note = notes.get(group.id);
    return note === undefined ? group : { ...group, note };
  });
}
