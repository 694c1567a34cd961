import type { KnownTask } from './known-task.js';

export interface PlacedWorker {
  readonly name: string;
  readonly queue: string;
  readonly taskNames: readonly string[];
}

/**
 * What works as it is, and is hardly meant so: tasks that nobody here runs, and workers that run nothing.
 *
 * @param idle those that run nothing
 */
export function startWarnings(
  workers: readonly PlacedWorker[], tasks: ReadonlyMap<string, KnownTask>, idle = workers.filter(({ taskNames }) => taskNames.length === 0),
): string[] {
  const taken = new Set(workers.flatMap(({ taskNames }) => taskNames));
  const left = [...tasks.values()].filter(({ name }) => !taken.has(name));
  return [...left.length === 0 ? [] : [untakenText(left, workers)], ...idle.map((worker) => idleText(worker, tasks.size > 0))];
}

function untakenText(left: readonly KnownTask[], workers: readonly PlacedWorker[]): string {
  const list = left.map(({ name, origin, queue }) => `"${name}" (${origin}${queue === undefined ? '' : `, queue "${queue}"`})`).join(', ');
  const has = workers.length === 0
    ? "it has none. Write workers: [{ name: 'worker_1', queue: 'queue_1' }], or role: 'publisher' where it only publishes"
    : `they are ${workers.map(({ name, queue }) => `"${name}" (queue "${queue}")`).join(', ')}. Add a worker of that queue, or change tasks of a worker, or workers or queue of @Task`;
  return `No worker of this process runs ${list}: ${has}.`;
}

function idleText({ name, queue }: PlacedWorker, isAnyKnown: boolean): string {
  return `Worker "${name}" has no tasks: whatever comes to the queue "${queue}" is unknown to it, and becomes a dead letter unless others take it. `
    + (isAnyKnown ? 'The tasks of this application are assigned to other workers or queues.' : 'No method of a provider has @Task; is the class among the providers of an imported module?');
}
