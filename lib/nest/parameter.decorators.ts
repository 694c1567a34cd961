import type { PipeTransform, Type } from '@nestjs/common';
import { ConfigurationError } from '../errors.js';
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

/**
 * The task's n-th argument, from 0. With `taskUuidAsFirstArg` the uuid is number 0. Pipes run on it. Once a
 * handler has an `@Arg` or `@Args`, its undecorated parameters stay `undefined`.
 *
 * @param pipes run on this argument, after those of the handler and its class
 * @publicApi
 */
export function Arg(position: number, ...pipes: (PipeTransform | Type<PipeTransform>)[]): ParameterDecorator {
  if (!Number.isSafeInteger(position) || position < 0) {
    throw new ConfigurationError(`@Arg takes the position of an argument, a whole number from 0; found ${String(position)}.`);
  }
  return mark(ParameterKind.argument, new ArgumentPosition(position), pipes);
}

/** The list of all arguments of the task. Pipes run on it. @publicApi */
export function Args(...pipes: (PipeTransform | Type<PipeTransform>)[]): ParameterDecorator {
  return mark(ParameterKind.allArguments, undefined, pipes);
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

function mark(kind: number, data?: ArgumentPosition, pipes: unknown[] = []): ParameterDecorator {
  return (target, key, index) => {
    if (key === undefined) {
      throw new ConfigurationError('@Arg, @Args, @TaskContext and @TaskUuid decorate parameters of a task\'s method, not of a constructor.');
    }
    const known = Reflect.getOwnMetadata(PARAMETERS_METADATA, target.constructor, key) as object | undefined;
    Reflect.defineMetadata(PARAMETERS_METADATA, { ...known, [`${kind}:${index}`]: { index, data, pipes } }, target.constructor, key);
  };
}
