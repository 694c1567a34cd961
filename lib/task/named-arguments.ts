import { InvalidArgumentsError } from '../errors.js';
import { display } from './argument-types.js';
import type { Task, TaskArgument } from './task.js';

/**
 * The arguments of a task whose last one is an object of arguments by their names, each in its place.
 *
 * @param names of the handler's parameters, in their order
 * @throws InvalidArgumentsError for a name that is none of them, or that is given twice
 */
export function placedByName({ name, args }: Pick<Task, 'name' | 'args'>, names: readonly string[]): TaskArgument[] {
  const named = args.at(-1)?.value;
  if (typeof named !== 'object' || named === null) return args;
  const placed: TaskArgument[] = args.slice(0, -1);
  const given = placed.length;
  const issues: string[] = [];
  for (const [key, value] of Object.entries(named)) {
    const index = names.indexOf(key);
    if (index === -1) issues.push(`argument ${display(key).replace('the string ', '')}: there is no parameter of this name (${names.join(', ')})`);
    else if (index < given) issues.push(`argument "${key}": it is given twice, by its name and as number ${index + 1}`);
    else placed[index] = { type: 'json', value };
  }
  if (issues.length > 0) throw new InvalidArgumentsError(`Task "${name}" has arguments by names that its handler does not take: ${issues.slice(0, 20).join('; ')}`, issues, { task: name });
  // What is left out in between is undefined, and takes the parameter's default.
  for (let index = given; index < placed.length; index++) placed[index] ??= { type: 'json', value: undefined };
  return placed;
}
