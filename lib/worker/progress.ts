import { InvalidProgressError } from '../errors.js';
import { display } from '../task/argument-types.js';

/** @throws InvalidProgressError */
export function checkProgress(task: string, fraction: unknown): void {
  if (typeof fraction === 'number' && fraction >= 0 && fraction <= 1) return;
  throw new InvalidProgressError(`Task "${task}": progress(${display(fraction)}) is not a fraction; expected a number from 0 to 1, such as done / total.`, { task, fraction });
}
