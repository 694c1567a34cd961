import { ConfigurationError } from '../errors.js';
import { display } from '../task/argument-types.js';
import { anything, text } from '../task/option-kinds.js';
import { checkOptions } from '../task/options.js';
import { checkTaskFilter } from './task-filter.js';
import type { TaskFilter } from './model.js';

/** @publicApi */
export interface InspectOptions {
  /**
   * How long answers are waited for, in milliseconds, from 10 to 60,000; sooner once all processes that are known have
   * answered. The first question of a process takes its whole time, so that it gets to know them. Default: 1000.
   */
  readonly timeoutMs?: number;
  /**
   * `true`: no other process is asked, so that nothing is waited for and nothing is sent; queues are read from the broker,
   * and of workers those of this process are told. For whoever looks again and again. Default: false.
   */
  readonly ownOnly?: boolean;
}

/** @publicApi */
export interface OverviewOptions extends Pick<InspectOptions, 'timeoutMs'> {
  /** How many tasks that run are told, the longest first, from 1 to 1,000. Default: none. */
  readonly running?: number;
}

/** @publicApi */
export interface InspectTaskOptions extends InspectOptions {
  /**
   * How many waiting tasks of each queue are looked through for one that is found nowhere else, from 0 to 10,000. They
   * are held for the moment, and go back to their place. Quorum queues, which count that as a delivery, are looked
   * through only where this is given. Default: 100.
   */
  readonly peek?: number;
}

/** @publicApi */
export interface ListOptions {
  /** How many at most, from 1 to 1,000. Default: 200. */
  readonly limit?: number;
}

/** @publicApi */
export type TasksFilter = Pick<TaskFilter, 'name' | 'process'> & ListOptions;

const DEFAULT_TIMEOUT_MS = 1_000;
const DEFAULT_LIMIT = 200;
/** @publicApi */
export interface LocksFilter extends ListOptions {
  /** Of tasks of this name; `*` stands for any text. */
  readonly name?: string;
  /** This unique key, or key of a window, as it is kept, or this key of a limit. */
  readonly key?: string;
}

/** Of one list. */
export const MOST = 1_000;

/** @throws ConfigurationError */
export function timeoutOf(options: InspectOptions | undefined): number {
  return wholeWithin(options?.timeoutMs ?? DEFAULT_TIMEOUT_MS, 'timeoutMs', 10, 60_000);
}

/** @throws ConfigurationError */
export function peekOf(options: InspectTaskOptions | undefined): number | undefined {
  return options?.peek === undefined ? undefined : wholeWithin(options.peek, 'peek', 0, 10_000);
}

/** @throws ConfigurationError */
export function runningOf(options: OverviewOptions | undefined): number | undefined {
  return options?.running === undefined ? undefined : wholeWithin(options.running, 'running', 1, MOST);
}

/** What is asked of each process, and how many are told in all. @throws ConfigurationError */
export function checkList(list: (TaskFilter & ListOptions & { before?: number }) | undefined): { filter: TaskFilter; limit: number } {
  const { limit, before, ...filter } = list ?? {};
  const checked = checkTaskFilter(filter);
  const until = before === undefined ? checked.until : Math.min(wholeWithin(before, 'before', 0, Number.MAX_SAFE_INTEGER), checked.until ?? Infinity);
  return { filter: until === undefined ? checked : { ...checked, until }, limit: limitOf(limit) };
}

export function limitOf(limit: unknown): number {
  return wholeWithin(limit ?? DEFAULT_LIMIT, 'limit', 1, MOST);
}

/** @throws ConfigurationError */
export function checkTasks(list: TasksFilter | undefined): { filter: TaskFilter; limit: number } {
  const { filter, limit } = checkList(list);
  const unknown = Object.keys(filter).find((name) => name !== 'name' && name !== 'process');
  if (unknown === undefined) return { filter, limit };
  throw new ConfigurationError(`What became of tasks is counted by name and process alone; found the condition "${unknown}".`, { option: unknown });
}

/** @throws ConfigurationError */
export function checkLocks(list: LocksFilter | undefined): { name: string | undefined; key: string | undefined; limit: number } {
  const { limit = DEFAULT_LIMIT, name, key } = checkOptions(list, { name: text(), key: text(), limit: anything }, { of: 'inspect.locks', example: "{ name: 'report' }" });
  return { name, key, limit: wholeWithin(limit, 'limit', 1, MOST) };
}

function wholeWithin(value: unknown, name: string, least: number, most: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw new ConfigurationError(`${name} of inspection must be a whole number from ${least} to ${most}; found ${display(value)}.`, { option: name });
}
