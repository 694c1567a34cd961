import type { PipeTransform, Type } from '@nestjs/common';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { ConfigurationError } from '../errors.js';
import { isSchema } from '../task/argument-schema.js';
import { display } from '../task/argument-types.js';
import { SchemaPipe } from './schema-pipe.js';
import type { TaskContext as TaskContextObject } from '../worker/task-context.js';

/** Where Nest keeps what parameter decorators say; users' own `createParamDecorator` writes there too. */
export const PARAMETERS_METADATA = '__routeArguments__';

/**
 * The numbers that stand for our decorators there. 3 is Nest's number for a request body, which
 * `ValidationPipe` validates; the others are ours and mean nothing to Nest.
 */
export const ParameterKind = { argument: 3, allArguments: 7101, context: 7102, uuid: 7103 } as const;

/** Marks an `@Arg` among Nest's own uses of the number 3, such as `@Body()`. */
export class ArgumentPosition {
  constructor(readonly position: number) {}
}

type Pipe = PipeTransform | Type<PipeTransform>;

/** @publicApi */
export interface ArgumentOptions {
  /** What the argument has to be: a Standard Schema of zod, valibot, arktype or others. The parameter gets what it makes of it. */
  schema: StandardSchemaV1;
  /** Run on this argument, after those of the handler and its class, and before the schema. Default: none. */
  pipes?: readonly Pipe[];
}

/**
 * The task's n-th argument, from 0. With `taskUuidAsFirstArg` the uuid is number 0. Pipes run on it. Once a
 * handler has an `@Arg` or `@Args`, its undecorated parameters stay `undefined`.
 *
 * @publicApi
 */
export function Arg(position: number, options: ArgumentOptions): ParameterDecorator;
/** @param pipes run on this argument, after those of the handler and its class @publicApi */
export function Arg(position: number, ...pipes: Pipe[]): ParameterDecorator;
export function Arg(position: number, ...given: (ArgumentOptions | Pipe)[]): ParameterDecorator {
  if (!Number.isSafeInteger(position) || position < 0) {
    throw new ConfigurationError(`@Arg takes the position of an argument, a whole number from 0; found ${String(position)}.`);
  }
  const [first] = given;
  const options = isOptions(first) ? first : { pipes: given as Pipe[] };
  return mark(ParameterKind.argument, new ArgumentPosition(position), options, '@Arg');
}

/** The list of all arguments of the task, checked by a Standard Schema of that list. @publicApi */
export function Args(schema: StandardSchemaV1): ParameterDecorator;
/** The list of all arguments of the task. Pipes run on it. @publicApi */
export function Args(...pipes: Pipe[]): ParameterDecorator;
export function Args(...given: (StandardSchemaV1 | Pipe)[]): ParameterDecorator {
  const [first] = given;
  return mark(ParameterKind.allArguments, undefined, isSchema(first) ? { schema: first } : { pipes: given as Pipe[] }, '@Args');
}

/** A pipe may keep a schema of its own. */
function isOptions(given: ArgumentOptions | Pipe | undefined): given is ArgumentOptions {
  return typeof given === 'object' && 'schema' in given && !('transform' in given);
}

/** What a handler can know of the task that it runs. @publicApi */
export type TaskContext = TaskContextObject;

/** As a decorator: gives this parameter the context of the task that runs. Pipes do not run on it. @publicApi */
export function TaskContext(): ParameterDecorator {
  return mark(ParameterKind.context);
}

/** Gives this parameter the uuid of the task that runs. Pipes do not run on it. @publicApi */
export function TaskUuid(): ParameterDecorator {
  return mark(ParameterKind.uuid);
}

interface Given {
  readonly schema?: StandardSchemaV1;
  readonly pipes?: readonly Pipe[];
}

function mark(kind: number, data?: ArgumentPosition, { schema, pipes = [] }: Given = {}, decorator = ''): ParameterDecorator {
  if (schema !== undefined && !isSchema(schema)) {
    throw new ConfigurationError(`The schema of ${decorator} must be a Standard Schema, such as z.object({ ... }) of zod 3.24 or later; found ${display(schema)}.`, { option: 'schema' });
  }
  // Nest 12 hands the schema to every pipe of the parameter.
  const checked = schema === undefined ? { pipes } : { pipes: [...pipes, new SchemaPipe(schema)], schema };
  return (target, key, index) => {
    if (key === undefined) {
      throw new ConfigurationError('@Arg, @Args, @TaskContext and @TaskUuid decorate parameters of a task\'s method, not of a constructor.');
    }
    const known = Reflect.getOwnMetadata(PARAMETERS_METADATA, target.constructor, key) as object | undefined;
    Reflect.defineMetadata(PARAMETERS_METADATA, { ...known, [`${kind}:${index}`]: { index, data, ...checked } }, target.constructor, key);
  };
}
