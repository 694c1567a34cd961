import { inferArguments } from '../task/argument-form.js';
import { Header } from '../task/headers.js';
import type { ResultOf } from '../nest/task-client.js';
import type { TaskHeaders } from '../task/task.js';
import { ConfigurationError } from '../errors.js';
import type { Runs } from './runs.js';
import { stalled } from './stalled.js';
import type { Stage } from './stage.js';

/** As what a task is run by `runTask`. @publicApi */
export interface RunTaskOptions {
  /** Which run of the task it is, from 1. Default: 1. */
  readonly attempt?: number;
  /** The broker may have delivered it before. Default: false. */
  readonly redelivered?: boolean;
  /** When it is aborted the task is cancelled: `context.signal` of its handler is aborted. */
  readonly signal?: AbortSignal;
  /** Headers of the task's own. Default: none. */
  readonly headers?: TaskHeaders;
}

/** What the caller of a method's task gets. @publicApi */
export type TaskValue<Method> = ResultOf<Method>;

/** Encoded, delivered, run and answered, with nothing left of it. */
export async function runTask(stage: Stage, runs: Runs, name: string, args: readonly unknown[], options: RunTaskOptions): Promise<unknown> {
  const { attempt = 1, redelivered = false, signal, headers } = options;
  if (!Number.isSafeInteger(attempt) || attempt < 1) throw new ConfigurationError(`attempt of runTask must be a whole number from 1; found ${attempt}.`);
  const { dispatcher: { parts }, queue, store } = stage.workerOf(name);
  const { plain } = parts.publishing;
  const task = plain.complete({ name, args: inferArguments(args), result: true, unique: false, debounce: false, order: false, ...(headers === undefined ? {} : { headers }) }, []);
  if (attempt > 1) task.headers = { ...task.headers, [Header.attempt]: attempt };
  runs.begin();
  const from = stage.outcomes.list.length;
  const cancel = (): void => void parts.operations.cancel([task.uuid], { reason: 'The signal of runTask was aborted.' });
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    await stage.deliver(store, plain.encode(task), parts.config.exchange, queue, task.uuid, redelivered);
    if (signal?.aborted === true) cancel();
    const outcome = await runs.ended(task.uuid, from);
    if (outcome.state === 'succeeded') return await parts.results.handle(task.uuid).result();
    if (outcome.state === 'failed' || outcome.state === 'retrying') throw outcome.error;
    if (outcome.state === 'cancelled' && signal?.aborted === true) throw signal.reason;
    throw stalled(`Task "${name}" was not run to its end, but ${outcome.state}${outcome.reason === undefined ? '' : `: ${outcome.reason}`}`, { task: name, state: outcome.state });
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
}
