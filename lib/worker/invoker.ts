import { ConfigurationError } from '../errors.js';
import { display } from '../task/argument-types.js';
import type { TaskContext } from './task-context.js';

/**
 * How the arguments of a task become the parameters of a call. One of your own stands in `invokers` of the configuration
 * and is chosen by its name, or is given to a single task, by `invoker` of its `@Task`.
 *
 * @publicApi
 */
export interface Invoker {
  /** How `invoker` calls it. */
  readonly name: string;
  /**
   * What the handler is called with, in order. It stands behind the schema, and before `@Arg`, pipes and guards. To say
   * that arguments do not fit, throw an `InvalidArgumentsError`: the task is a dead letter then; what else it throws is a failed attempt.
   *
   * @param args of the task, in order
   */
  parameters(args: readonly unknown[], call: InvokedCall): readonly unknown[];
}

/** @publicApi */
export interface InvokedCall {
  /** The name of the task. */
  readonly task: string;
  /** `kwargs` of the task's options: the names of its parameters, in order. */
  readonly names: readonly string[] | undefined;
  readonly context: TaskContext;
}

/** @publicApi */
export type BuiltInInvoker = 'positional' | 'named';

/** @publicApi */
export type InvokerName = BuiltInInvoker | (string & Record<never, never>);

/** @throws ConfigurationError */
export function checkInvoker(invoker: unknown, where: string): Invoker {
  const { name, parameters } = (typeof invoker === 'object' && invoker !== null ? invoker : {}) as Partial<Invoker>;
  if (typeof name === 'string' && name !== '' && typeof parameters === 'function') return invoker as Invoker;
  throw new ConfigurationError(`${where} must be an Invoker: an object with name and parameters(args, call); found ${display(invoker)}.`, { option: where });
}
