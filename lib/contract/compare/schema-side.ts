import { isPlainObject } from '../plain.js';
import type { JsonSchema } from '../model.js';
import { type SchemaObject, TELLING } from './keywords.js';

const MOST_REFERENCES = 32;

/** A schema, or a part of one, and the whole that its references lead into. */
export interface Side {
  readonly schema: JsonSchema;
  readonly root: JsonSchema;
}

export function part(side: Side, schema: unknown): Side {
  return { root: side.root, schema: typeof schema === 'boolean' || isPlainObject(schema) ? schema : true };
}

/** Without a reference at its head, and with what must all hold in one. A reference that leads nowhere takes anything. */
export function flattened(side: Side): Side {
  let { schema } = side;
  for (let count = 0; isPlainObject(schema) && typeof schema['$ref'] === 'string'; count++) {
    schema = count < MOST_REFERENCES ? found(side.root, schema['$ref']) : true;
  }
  if (!isPlainObject(schema) || !Array.isArray(schema['allOf'])) return { root: side.root, schema };
  const { allOf, ...own } = schema;
  let merged: SchemaObject = own;
  for (const one of allOf as unknown[]) {
    const inner = flattened(part(side, one)).schema;
    if (inner === false) return { root: side.root, schema: false };
    if (inner !== true) merged = both(merged, inner);
  }
  return { root: side.root, schema: merged };
}

/** The parts of which one must hold, each with what stands beside them; none where there is no choice. */
export function branchesOf(side: Side, schema: SchemaObject): Side[] {
  const { anyOf, oneOf, ...own } = schema;
  const choices = Array.isArray(anyOf) ? anyOf as unknown[] : Array.isArray(oneOf) ? oneOf as unknown[] : undefined;
  if (choices !== undefined) {
    const rest = Array.isArray(anyOf) && oneOf !== undefined ? { ...own, oneOf } : own;
    const refuses = Object.keys(rest).some((keyword) => !TELLING.has(keyword));
    return choices.map((choice) => part(side, refuses ? { ...rest, allOf: [choice] } : choice));
  }
  const { type } = schema;
  return Array.isArray(type) && type.length > 1 ? (type as unknown[]).map((one) => part(side, { ...schema, type: one })) : [];
}

function found(root: JsonSchema, reference: string): JsonSchema {
  if (!reference.startsWith('#')) return true;
  let at: unknown = root;
  for (const step of reference.slice(1).split('/').slice(1)) {
    const name = decoded(step).replace(/~1/g, '/').replace(/~0/g, '~');
    at = typeof at === 'object' && at !== null && Object.hasOwn(at, name) ? (at as Record<string, unknown>)[name] : undefined;
  }
  return typeof at === 'boolean' || isPlainObject(at) ? at : true;
}

function decoded(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}

/** What takes only what both take, as far as one object can say it; where both say something of the same kind, the second. */
function both(one: SchemaObject, other: SchemaObject): SchemaObject {
  const merged: Record<string, unknown> = { ...one, ...other };
  if (isPlainObject(one['properties']) && isPlainObject(other['properties'])) merged['properties'] = { ...one['properties'], ...other['properties'] };
  if (Array.isArray(one['required']) && Array.isArray(other['required'])) merged['required'] = [...new Set([...one['required'] as unknown[], ...other['required'] as unknown[]])];
  return merged;
}
