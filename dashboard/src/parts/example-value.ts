import type { JsonSchema } from '../../../lib/contract/model.js';

/** Deep enough for a form; below it anything may stand. */
const DEEPEST = 6;

/** A value to begin with, as JSON, that a schema may take; `null` where nothing is known of it. */
export function exampleOf(schema: JsonSchema, depth = 0): unknown {
  if (typeof schema === 'boolean' || depth > DEEPEST) return null;
  const said = [schema.default, schema.const, firstOf(schema.examples), firstOf(schema.enum)].find((value) => value !== undefined);
  if (said !== undefined) return said;
  const choices = [schema.anyOf, schema.oneOf].find(Array.isArray) as JsonSchema[] | undefined;
  if (choices?.[0] !== undefined) return exampleOf(choices[0], depth + 1);
  return ofType(firstOf(schema.type) ?? schema.type, schema, depth);
}

function ofType(type: unknown, schema: Exclude<JsonSchema, boolean>, depth: number): unknown {
  switch (type) {
    case 'string': return schema.format === 'date-time' ? new Date().toISOString() : '';
    case 'integer': case 'number': return smallest(schema);
    case 'boolean': return false;
    case 'array': return Array.isArray(schema.items) ? (schema.items as JsonSchema[]).map((item) => exampleOf(item, depth + 1)) : [];
    case 'object': return propertiesOf(schema, depth);
    default: return schema.properties === undefined ? null : propertiesOf(schema, depth);
  }
}

function smallest({ minimum, exclusiveMinimum }: Exclude<JsonSchema, boolean>): number {
  if (typeof minimum === 'number') return Math.max(minimum, -Number.MAX_SAFE_INTEGER);
  return typeof exclusiveMinimum === 'number' ? Math.floor(exclusiveMinimum) + 1 : 0;
}

/** Those that must be there. */
function propertiesOf({ properties, required }: Exclude<JsonSchema, boolean>, depth: number): Record<string, unknown> {
  const known = (properties ?? {}) as Record<string, JsonSchema>;
  const names = Array.isArray(required) ? required.filter((name): name is string => typeof name === 'string') : [];
  return Object.fromEntries(names.map((name) => [name, exampleOf(Object.hasOwn(known, name) ? known[name] ?? true : true, depth + 1)]));
}

function firstOf(list: unknown): unknown {
  return Array.isArray(list) ? list[0] as unknown : undefined;
}
