import type { JsonSchema } from './model.js';

/** Deeper ones are told as if nothing were known: whoever reads them would run out of stack. */
const MOST_DEPTH = 64;

/** What is left of a value as JSON, numbers without end as texts; `undefined` where it has no such form, or is nested too deeply. */
export function plain(value: unknown): unknown {
  try {
    const text = JSON.stringify(value, (_key, one: unknown) => {
      if (typeof one === 'bigint') return Number(one);
      return typeof one === 'number' && !Number.isFinite(one) ? String(one) : one;
    }) as string | undefined;
    const copy: unknown = text === undefined ? undefined : JSON.parse(text);
    return depthOf(copy, MOST_DEPTH) > MOST_DEPTH ? undefined : copy;
  } catch {
    return undefined;
  }
}

function depthOf(value: unknown, most: number): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (most < 0) return 1;
  let deepest = 0;
  for (const inner of Object.values(value)) deepest = Math.max(deepest, depthOf(inner, most - 1));
  return deepest + 1;
}

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A schema as data, without the words that say which draft it is of, and where it could be found; `true` where it is none. */
export function plainSchema(value: unknown): JsonSchema {
  if (typeof value === 'boolean') return value;
  const copy = plain(value);
  if (!isPlainObject(copy)) return true;
  const { $schema: _draft, $id: _place, ...schema } = copy;
  return Object.keys(schema).length === 0 ? true : schema;
}

/** The same values, whatever the order of keys. */
export function isSame(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null || Array.isArray(one) !== Array.isArray(other)) return false;
  const [keys, others] = [Object.keys(one), Object.keys(other)];
  return keys.length === others.length && keys.every((key) => Object.hasOwn(other, key) && isSame((one as Record<string, unknown>)[key], (other as Record<string, unknown>)[key]));
}
