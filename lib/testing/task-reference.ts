import type { Type } from '@nestjs/common';
import { ConfigurationError } from '../errors.js';
import { nearestName } from '../task/nearest-name.js';
import { taskMarksOf } from '../nest/task-marks.js';
import type { SentTo } from '../nest/task-client.js';

/** The names of a provider's methods. @publicApi */
export type TaskMethod<Provider> = { [Key in keyof Provider]: Provider[Key] extends (...args: never[]) => unknown ? Key : never }[keyof Provider] & string;

/** A task by the method that runs it, with the types of its arguments. @publicApi */
export interface TaskReference<Args extends readonly unknown[] = readonly unknown[]> {
  readonly name: string;
  /** Of the compiler alone. */
  readonly args?: Args;
}

/**
 * The task of a provider's method: `expect(testing).toHavePublished(taskOf(MailTasks, 'send'), ['Ada'])`, checked by the
 * compiler. A method with several `@Task` gives the first.
 *
 * @throws ConfigurationError where the method has no `@Task`
 * @publicApi
 */
export function taskOf<Provider extends object, Method extends TaskMethod<Provider>>(
  provider: Type<Provider>, method: Method,
): TaskReference<SentTo<Provider[Method]>> {
  const marks = new Map([...taskMarksOf(provider.prototype as object)]);
  const mark = marks.get(method)?.[0];
  if (mark !== undefined) return { name: mark.name };
  const nearest = nearestName(method, marks.keys());
  throw new ConfigurationError(
    `${provider.name}.${method} is no task: it has no @Task. ${nearest === undefined ? '' : `Did you mean "${nearest}"? `}Tasks of the class: ${[...marks.keys()].join(', ') || 'none'}.`,
    { provider: provider.name, method });
}
