import { checkedArguments, type ArgumentSchemas } from '../task/argument-schema.js';
import type { Handler } from './handler.js';

type Run = Handler['run'];

/** The same, given what the schemas make of the arguments. What they refuse becomes a dead letter at once. */
export function withSchemas(name: string, schemas: ArgumentSchemas | undefined, taskUuidAsFirstArg: boolean | undefined, run: Run): Run {
  if (schemas === undefined) return run;
  if (taskUuidAsFirstArg !== true) return async (args, context) => run(await checkedArguments(name, schemas, args), context);
  return async ([uuid, ...args], context) => run([uuid, ...await checkedArguments(name, schemas, args)], context);
}
