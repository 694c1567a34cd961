import { ConfigurationError } from '../errors.js';
import { display } from '../task/argument-types.js';
import { matchesName } from '../task/name-pattern.js';
import type { TaskArgument } from '../task/task.js';
import type { EndedTaskInfo, TaskFilter } from './model.js';

/** What is known of a task; one that waits has neither process nor times. */
type Shown = Partial<EndedTaskInfo> & Pick<EndedTaskInfo, 'uuid' | 'name'>;

const KNOWN: Readonly<Record<keyof TaskFilter, true>> = { uuid: true, name: true, queue: true, worker: true, process: true, state: true, since: true, until: true, error: true, args: true };
const TEXTS = ['uuid', 'name', 'queue', 'worker', 'process', 'error'] as const;

/** @throws ConfigurationError for what is no filter */
export function checkTaskFilter(filter: TaskFilter | undefined): TaskFilter {
  if (filter === undefined) return {};
  if (typeof filter !== 'object' || filter === null || Array.isArray(filter)) throw refused('must be an object such as { name: "mail.*" }', filter);
  for (const name of Object.keys(filter)) if (!Object.hasOwn(KNOWN, name)) throw refused(`has the condition "${name}", which does not exist; there are ${Object.keys(KNOWN).join(', ')}`, filter);
  for (const name of TEXTS) if (filter[name] !== undefined && typeof filter[name] !== 'string') throw refused(`needs a text as ${name}`, filter[name]);
  for (const name of ['since', 'until'] as const) if (filter[name] !== undefined && !Number.isFinite(filter[name])) throw refused(`needs milliseconds since 1970 as ${name}`, filter[name]);
  if (filter.args !== undefined && (typeof filter.args !== 'object' || filter.args === null)) throw refused('needs an object of paths and values as args', filter.args);
  return filter;
}

/**
 * Whether all that is asked for holds. The arguments are those that are told: nobody finds out by asking what is hidden.
 */
export function matches(filter: TaskFilter, task: Shown): boolean {
  return (filter.uuid === undefined || filter.uuid === task.uuid)
    && (filter.name === undefined || matchesName(filter.name, task.name))
    && (filter.queue === undefined || filter.queue === task.queue)
    && (filter.worker === undefined || filter.worker === task.worker)
    && (filter.process === undefined || filter.process === task.process)
    && (filter.state === undefined || [filter.state].flat().some((state) => state === task.state))
    && inTime(filter, task.endedAt ?? task.startedAt)
    && (filter.error === undefined || hasError(filter.error, task))
    && (filter.args === undefined || Object.entries(filter.args).every(([path, value]) => isSame(valueAt(task.args, path), value)));
}

function inTime({ since, until }: TaskFilter, at: number | undefined): boolean {
  return (since === undefined || (at !== undefined && at >= since)) && (until === undefined || (at !== undefined && at < until));
}

function hasError(wanted: string, { error, reason }: Shown): boolean {
  const text = `${error?.name ?? ''}: ${error?.message ?? ''} ${reason ?? ''}`.toLowerCase();
  return text.includes(wanted.toLowerCase());
}

function valueAt(args: readonly TaskArgument[] | undefined, path: string): unknown {
  const [first = '', ...rest] = path.replace(/^args\./, '').split('.');
  let value: unknown = args?.[Number(first)]?.value;
  for (const key of rest) value = typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
  return value;
}

/** A 64-bit integer is compared by its digits. */
function isSame(found: unknown, wanted: string | number | boolean | null): boolean {
  return typeof found === 'bigint' ? String(found) === String(wanted) : found === wanted;
}

function refused(what: string, found: unknown): ConfigurationError {
  return new ConfigurationError(`The filter of inspection ${what}; found ${display(found)}.`, { found: display(found) });
}
