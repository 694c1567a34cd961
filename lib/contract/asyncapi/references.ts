import type { JsonSchema } from '../model.js';
import { isPlainObject } from '../plain.js';

const SCHEMAS = '#/components/schemas/';

export function referenceTo(key: string): { readonly $ref: string } {
  return { $ref: SCHEMAS + key };
}

/** `undefined`: it refers to no schema of the document. */
export function keyReferredTo(value: unknown): string | undefined {
  const to = isPlainObject(value) ? value['$ref'] : undefined;
  return typeof to === 'string' && to.startsWith(SCHEMAS) ? to.slice(SCHEMAS.length) : undefined;
}

/** A schema that refers to parts of itself, as it stands in the document under this key. */
export function embedded(schema: JsonSchema, key: string): JsonSchema {
  const own = SCHEMAS + key;
  return withReferences(schema, (to) => (to.startsWith('#') ? own + to.slice(1) : to)) as JsonSchema;
}

/** And back. */
export function extracted(schema: JsonSchema, key: string): JsonSchema {
  const own = SCHEMAS + key;
  return withReferences(schema, (to) => (to === own || to.startsWith(`${own}/`) ? `#${to.slice(own.length)}` : to)) as JsonSchema;
}

function withReferences(value: unknown, change: (to: string) => string): unknown {
  if (Array.isArray(value)) return value.map((one) => withReferences(one, change));
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, name === '$ref' && typeof one === 'string' ? change(one) : withReferences(one, change)]));
}
