import { decodeValue } from '../../results/result-value.js';
import { toHandlerValue } from '../../task/argument-types.js';
import { checkArguments } from '../../task/complete-task.js';
import type { TaskArgument } from '../../task/task.js';

/** Arguments that were left to a task. They were checked when they were published; other bytes in the store must not reach a handler. */
export function newerArguments(text: string, name: string): TaskArgument[] {
  const args = decodeValue(text) as TaskArgument[];
  checkArguments(args, name);
  return args.map(({ type, value }) => ({ type, value: toHandlerValue(type, value) }));
}
