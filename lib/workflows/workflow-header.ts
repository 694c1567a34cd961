import { v5 } from 'uuid';
import { Header } from '../task/headers.js';
import type { TaskHeaders } from '../task/task.js';
import { isPath, type StepPath } from './paths.js';

/** Which step of which workflow a task is; it travels with the task. */
export interface StepReference {
  readonly workflow: string;
  readonly path: StepPath;
  /** A member of a streamed group that is one task and nothing more: no plan of its own is stored. */
  readonly plain: boolean;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function isUuid(text: unknown): text is string {
  return typeof text === 'string' && UUID.test(text);
}

/** `<workflow's uuid> <path>`, and ` plain`. */
export function referenceText({ workflow, path, plain }: StepReference): string {
  return `${workflow} ${path}${plain ? ' plain' : ''}`;
}

/** `undefined` where the task is no step, or its header is none of ours. */
export function referenceOf(headers: Readonly<TaskHeaders>): StepReference | undefined {
  const text = headers[Header.workflow];
  if (typeof text !== 'string') return undefined;
  const [workflow, path, plain] = text.split(' ');
  return isUuid(workflow) && isPath(path) ? { workflow, path, plain: plain === 'plain' } : undefined;
}

/**
 * The same step has the same uuid whoever publishes it, and however often: so it is started once.
 *
 * @param again names the repetition, where a step that has ended is to run once more
 */
export function uuidOf({ workflow, path }: { workflow: string; path: StepPath }, again = ''): string {
  return v5(again === '' ? path : `${path} ${again}`, workflow);
}
