import { createRequire } from 'node:module';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { propertyOf } from '../../task/error-text.js';
import type { JsonSchema } from '../model.js';
import { plainSchema } from '../plain.js';

/** What a schema takes, or what it makes of that. */
export type Direction = 'input' | 'output';

const TARGET = 'draft-07';

/**
 * A schema as JSON Schema, by the library that it is of: zod from 4.2 and arktype say it themselves (the Standard JSON
 * Schema), earlier zod 4 by its `toJSONSchema`, valibot by the package `@valibot/to-json-schema`, where that is installed.
 * Of the rest, and of parts that JSON Schema has no words for, anything is true.
 */
export function schemaOf(schema: StandardSchemaV1, direction: Direction): JsonSchema {
  try {
    return plainSchema(converted(schema, direction));
  } catch {
    // A library says so by throwing; each has its own errors.
    return true;
  }
}

function converted(schema: StandardSchemaV1, direction: Direction): unknown {
  const standard = propertyOf(propertyOf(schema, '~standard'), 'jsonSchema');
  const convert = propertyOf(standard, direction);
  if (typeof convert === 'function') return (convert as (options: object) => unknown).call(standard, { target: TARGET, libraryOptions: { ...OF_ZOD, ...OF_ARKTYPE } });
  if (schema['~standard'].vendor === 'valibot') return ofValibot(schema, direction);
  const own = propertyOf(schema, 'toJSONSchema');
  return typeof own === 'function' ? (own as (options: object) => unknown).call(schema, { target: 'draft-7', io: direction, ...OF_ZOD }) : true;
}

/** What has no JSON Schema does not keep the rest from having one. */
const OF_ZOD = {
  unrepresentable: 'any',
  override: ({ zodSchema, jsonSchema }: { zodSchema: unknown; jsonSchema: Record<string, unknown> }): void => {
    if (propertyOf(propertyOf(propertyOf(zodSchema, '_zod'), 'def'), 'type') === 'bigint') Object.assign(jsonSchema, INT64);
  },
};

/** A handler gets a `bigint` of an `int64`. */
export const INT64 = { type: 'integer', format: 'int64' } as const;

const OF_ARKTYPE = { fallback: ({ base }: { base: unknown }): unknown => base };

type ToJsonSchema = (schema: unknown, options: object) => unknown;

function ofValibot(schema: StandardSchemaV1, direction: Direction): unknown {
  const { toJsonSchema } = createRequire(__filename)('@valibot/to-json-schema') as { toJsonSchema: ToJsonSchema };
  return toJsonSchema(schema, {
    errorMode: 'ignore', typeMode: direction, target: TARGET,
    overrideSchema: ({ valibotSchema }: { valibotSchema: unknown }) => (propertyOf(valibotSchema, 'type') === 'bigint' ? INT64 : undefined),
  });
}

/** Whether it takes `undefined`, which is what an argument is that was left out. `undefined`: only a promise knows. */
export function takesUndefined(schema: StandardSchemaV1): boolean | undefined {
  try {
    const result = schema['~standard'].validate(undefined);
    if (!(result instanceof Promise)) return result.issues === undefined;
    result.catch(() => undefined);
    return undefined;
  } catch {
    return undefined;
  }
}
