import { InvalidArgumentsError } from '../../errors.js';
import { invalidArguments } from '../../task/argument-schema.js';
import { isA } from '../../task/error-text.js';
import { taskStorage, type TaskContext } from '../../worker/task-context.js';
import type { DiscoveredTask } from '../discovery/discovered-task.js';
import { issuesOf } from './issues-of.js';
import { ArgumentPosition } from '../parameter.decorators.js';

/** What a pipe threw at one parameter. */
export interface PipeFailure {
  readonly thrown: unknown;
  /** As Nest keeps it. */
  readonly parameter: { readonly index: number; readonly data?: unknown };
}

interface Refusal {
  readonly thrown: unknown;
  readonly error: InvalidArgumentsError;
}

/** By the run that it belongs to: the same object may be thrown by something else another time. */
const refusals = new WeakMap<TaskContext, Refusal>();

/**
 * The first failure, to be thrown as it is: interceptors and filters are to see what the pipe threw. Where the pipes speak
 * of the arguments, that is remembered, and {@link refusalFor} has what it comes to.
 */
export function firstOf(failures: readonly PipeFailure[], task: DiscoveredTask): unknown {
  const issues = failures.map(({ thrown, parameter }) => ({ thrown, texts: issuesOf(thrown), place: placeOf(parameter) }));
  const refused = issues.filter(({ texts }) => texts !== undefined);
  const [first] = refused;
  const context = taskStorage.getStore();
  if (first === undefined || context === undefined) return failures[0]?.thrown;
  const { thrown } = first;
  refusals.set(context, { thrown, error: refusalOf(task.name, refused.flatMap(({ texts = [], place }) => texts.map((text) => `${place}: ${text}`)), thrown) });
  return thrown;
}

/** What a run has failed with, where that is what a pipe threw at its arguments. */
export function refusalFor(thrown: unknown): InvalidArgumentsError | undefined {
  const context = taskStorage.getStore();
  const refusal = context === undefined ? undefined : refusals.get(context);
  return refusal !== undefined && refusal.thrown === thrown ? refusal.error : undefined;
}

function refusalOf(task: string, issues: readonly string[], thrown: unknown): InvalidArgumentsError {
  if (isA(thrown, InvalidArgumentsError)) return thrown;
  return invalidArguments(task, issues, thrown);
}

function placeOf({ index, data }: PipeFailure['parameter']): string {
  return data instanceof ArgumentPosition ? `argument ${data.position}` : `parameter ${index}`;
}
