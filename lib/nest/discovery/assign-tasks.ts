import { ConfigurationError } from '../../errors.js';
import type { WorkerConfig } from '../../worker/worker-config.js';
import { nearestName } from '../../task/nearest-name.js';
import { describeTask, type DiscoveredTask } from './discovered-task.js';

/**
 * Which of the discovered tasks a worker runs: those that its `tasks` names and those whose `@Task` names
 * it, in all of its versions; without a list, every task too that is not assigned to other workers in one of these ways, nor to another queue.
 *
 * @param mayMiss whether a listed task need not exist: this process runs none
 * @throws ConfigurationError where a listed task does not exist, or two handlers have one name and version
 */
export function assignTasks(worker: WorkerConfig, all: readonly WorkerConfig[], tasks: readonly DiscoveredTask[], mayMiss = false): Map<string, [DiscoveredTask, ...DiscoveredTask[]]> {
  const known = new Set(tasks.map(({ name }) => name));
  for (const name of worker.tasks ?? []) {
    if (!known.has(name) && !mayMiss) throw unknownTask(worker, name, known);
  }
  const assigned = new Map<string, [DiscoveredTask, ...DiscoveredTask[]]>();
  for (const task of tasks) {
    if (!takes(worker, all, task)) continue;
    const others = assigned.get(task.name);
    const other = others?.find(({ options }) => (options.version ?? 1) === (task.options.version ?? 1));
    if (other !== undefined) throw duplicate(worker, other, task);
    assigned.set(task.name, others === undefined ? [task] : [...others, task]);
  }
  return assigned;
}

function takes(worker: WorkerConfig, all: readonly WorkerConfig[], { name, options }: DiscoveredTask): boolean {
  if (worker.tasks?.includes(name) || options.workers?.includes(worker.name)) return true;
  if (worker.tasks !== undefined || options.workers !== undefined) return false;
  if (options.queue !== undefined && options.queue !== worker.queue) return false;
  return !all.some((other) => other.name !== worker.name && other.tasks?.includes(name));
}

function unknownTask(worker: WorkerConfig, name: string, known: ReadonlySet<string>): ConfigurationError {
  const nearest = nearestName(name, known);
  const advice = known.size === 0
    ? 'No method has @Task; is its class among the providers of an imported module?'
    : `${nearest === undefined ? '' : `Did you mean "${nearest}"? `}The known tasks are: ${[...known].sort().join(', ')}.`;
  return new ConfigurationError(`Worker "${worker.name}" lists the task "${name}", but no method has @Task('${name}'). ${advice}`,
    { worker: worker.name, task: name, nearest });
}

function duplicate(worker: WorkerConfig, first: DiscoveredTask, second: DiscoveredTask): ConfigurationError {
  const { version } = first.options;
  return new ConfigurationError(
    `The task "${first.name}"${version === undefined ? '' : `, version ${version},`} of worker "${worker.name}" has two handlers: ${describeTask(first)} and ${describeTask(second)}. `
    + 'Rename one, give one another version, provide the class in one module only, or give them to different workers with @Task\'s option workers.',
    { worker: worker.name, task: first.name, handlers: [describeTask(first), describeTask(second)] });
}
