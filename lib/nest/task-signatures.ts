import type { Type } from '@nestjs/common';
import { task, type TaskSignature } from '../workflows/workflow.js';
import type { SendOptions } from '../task/task.js';
import { createTaskClient, type SentArguments } from './task-client.js';

/**
 * The methods of a provider as steps of a workflow: with all of their arguments, or without the first, which is the
 * result of the step before.
 *
 * @publicApi
 */
export type TaskSignatures<Provider> = {
  readonly [Key in keyof Provider as Provider[Key] extends (...args: never[]) => unknown ? Key : never]:
  Provider[Key] extends (...args: infer Arguments) => unknown
    ? (...args: SentArguments<Arguments> | WithoutFirst<SentArguments<Arguments>>) => TaskSignature : never;
};

type WithoutFirst<Arguments extends readonly unknown[]> = Arguments extends readonly [unknown?, ...infer Rest] ? Rest : Arguments;

/**
 * `chain(signatures(MathTasks).add(1, 2), signatures(MathTasks).add(3))`, checked by the compiler. A method with several
 * `@Task` gives the first.
 *
 * @throws ConfigurationError where the class, or the method that is used, has no `@Task`
 * @publicApi
 */
export function signatures<Provider extends object>(provider: Type<Provider>): TaskSignatures<Provider> {
  // What a method of it gives is what the function gives.
  const make = (name: string, args: readonly unknown[], { routingKey, version = 1 }: SendOptions): never => {
    const step = task(name, ...args);
    const options = { ...routingKey === undefined ? {} : { routingKey }, ...version === 1 ? {} : { version } };
    return (Object.keys(options).length === 0 ? step : step.options(options)) as never;
  };
  return createTaskClient(provider, make) as unknown as TaskSignatures<Provider>;
}
