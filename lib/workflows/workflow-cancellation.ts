import type { TaskHeaders } from '../task/task.js';
import { isAside } from './paths.js';
import { referenceOf } from './workflow-header.js';

/**
 * The name under which all steps of a workflow are called off: one note, however many they are. No task can have it as
 * its uuid by accident.
 */
export function stepsOf(workflow: string): string {
  return `workflow:${workflow}`;
}

/** The name by which a task is called off with its workflow. `undefined`: it is no step, or a callback, which goes on. */
export function calledOffAs(headers: Readonly<TaskHeaders>): string | undefined {
  const step = referenceOf(headers);
  return step === undefined || isAside(step.path) ? undefined : stepsOf(step.workflow);
}

/** What a step that did not run, or not to its end, is told, by whichever way. */
export function calledOffText(reason: string | undefined): string {
  return `Its workflow was cancelled: ${reason}`;
}
