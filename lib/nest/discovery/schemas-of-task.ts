import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { TaskOptions } from '../../dispatcher/config/task-options.js';
import { schemasOf, type ArgumentSchemas } from '../../task/argument-schema.js';
import { ArgumentPosition, ParameterKind, PARAMETERS_METADATA } from '../parameter.decorators.js';
import { SchemaPipe } from '../schema-pipe.js';

interface Parameter { readonly data?: unknown; readonly pipes?: readonly unknown[] }

/** What `@Task`, `@Arg` and `@Args` of one handler say of its arguments; `undefined` where they say nothing. */
export function schemasOfTask(prototype: object, methodName: string, { schema, taskUuidAsFirstArg }: TaskOptions): ArgumentSchemas | undefined {
  const said = schema === undefined ? undefined : schemasOf(schema);
  const byPosition = [...said?.byPosition ?? []];
  let ofAll: ArgumentSchemas['ofAll'];
  for (const [key, { data, pipes }] of Object.entries(parametersOf(prototype, methodName))) {
    // Of one that a pipe changes first, only the handler can tell.
    const [pipe, ...more] = pipes ?? [];
    if (!(pipe instanceof SchemaPipe) || more.length > 0) continue;
    // Of the handler's list the first is the uuid, which has no value yet.
    if (data instanceof ArgumentPosition) setAt(byPosition, data.position - (taskUuidAsFirstArg === true ? 1 : 0), pipe.schema);
    else if (key.startsWith(`${ParameterKind.allArguments}:`) && taskUuidAsFirstArg !== true) ofAll = pipe.schema;
  }
  return byPosition.length === 0 && ofAll === undefined ? undefined : { byPosition, isComplete: said?.isComplete ?? false, ofAll };
}

function setAt(schemas: (StandardSchemaV1 | undefined)[], position: number, schema: StandardSchemaV1): void {
  if (position >= 0) schemas[position] ??= schema;
}

function parametersOf(prototype: object, methodName: string): Record<string, Parameter> {
  return (Reflect.getMetadata(PARAMETERS_METADATA, prototype.constructor, methodName) ?? {}) as Record<string, Parameter>;
}
