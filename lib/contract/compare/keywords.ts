import type { JsonSchema } from '../model.js';

export type SchemaObject = Exclude<JsonSchema, boolean>;

/** They tell, and refuse nothing; or others are read in their place. */
export const TELLING: ReadonlySet<string> = new Set([
  'title', 'description', 'default', 'examples', 'deprecated', 'readOnly', 'writeOnly', '$comment', '$schema', '$id', 'definitions', '$defs', 'contentEncoding', 'contentMediaType',
]);

/** Those that are compared by what they mean; any other is compared by whether it is the same. */
export const UNDERSTOOD: ReadonlySet<string> = new Set([
  '$ref', 'allOf', 'anyOf', 'oneOf', 'type', 'enum', 'const', 'properties', 'required', 'additionalProperties', 'items', 'additionalItems', 'uniqueItems', 'pattern', 'format',
  'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties',
]);

const ALL_TYPES: readonly string[] = ['null', 'boolean', 'string', 'number', 'object', 'array'];

/** Of which types its values may be. */
export function typesIn({ type }: SchemaObject): readonly string[] {
  if (typeof type === 'string') return [type];
  return Array.isArray(type) ? type as string[] : ALL_TYPES;
}

export function hasType(types: readonly string[], type: string): boolean {
  return types.includes(type) || (type === 'integer' && types.includes('number'));
}

export function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'number' && Number.isInteger(value) ? 'integer' : typeof value;
}

/** `undefined`: it is no list of some values. */
export function valuesIn(schema: SchemaObject): readonly unknown[] | undefined {
  if (Object.hasOwn(schema, 'const')) return [schema['const']];
  const values = schema['enum'];
  if (Array.isArray(values)) return values as unknown[];
  const { type } = schema;
  return type === 'boolean' ? [true, false] : type === 'null' ? [null] : undefined;
}

interface Bound { readonly keyword: string; readonly of: readonly string[]; readonly isLeast: boolean }

const BOUNDS: readonly Bound[] = [
  { keyword: 'minLength', of: ['string'], isLeast: true }, { keyword: 'maxLength', of: ['string'], isLeast: false },
  { keyword: 'minItems', of: ['array'], isLeast: true }, { keyword: 'maxItems', of: ['array'], isLeast: false },
  { keyword: 'minProperties', of: ['object'], isLeast: true }, { keyword: 'maxProperties', of: ['object'], isLeast: false },
];

/** Bounds of `to` that `from` does not keep to. */
export function boundProblems(from: SchemaObject, to: SchemaObject, types: readonly string[]): string[] {
  const problems = BOUNDS.filter(({ keyword, of, isLeast }) => {
    const bound = to[keyword];
    if (typeof bound !== 'number' || !of.some((type) => hasType(types, type)) || (isLeast && bound <= 0)) return false;
    const before = from[keyword];
    return typeof before !== 'number' || (isLeast ? before < bound : before > bound);
  }).map(({ keyword }) => `${keyword} is ${String(to[keyword])} now, and was ${toldBound(from[keyword])}`);
  return hasType(types, 'integer') ? [...problems, ...rangeProblems(from, to)] : problems;
}

/** As a schema would have to say it that takes these values. */
export function boundsOf(values: readonly unknown[]): SchemaObject {
  const lengths = values.filter((value) => typeof value === 'string').map((value) => value.length);
  const numbers = values.filter((value) => typeof value === 'number');
  return {
    ...lengths.length === 0 ? {} : { minLength: Math.min(...lengths), maxLength: Math.max(...lengths) },
    ...numbers.length === 0 ? {} : { minimum: Math.min(...numbers), maximum: Math.max(...numbers) },
  };
}

function rangeProblems(from: SchemaObject, to: SchemaObject): string[] {
  const [before, now] = [rangeOf(from), rangeOf(to)];
  const problems: string[] = [];
  if (isOutside(before.least, now.least, 1)) problems.push(`the least is ${rangeText(now.least)} now, and was ${rangeText(before.least)}`);
  if (isOutside(before.most, now.most, -1)) problems.push(`the most is ${rangeText(now.most)} now, and was ${rangeText(before.most)}`);
  return problems;
}

interface End { readonly at: number; readonly isOpen: boolean }

function rangeOf(schema: SchemaObject): { readonly least: End; readonly most: End } {
  return { least: endOf(schema, 'minimum', 'exclusiveMinimum', -Infinity, Math.max), most: endOf(schema, 'maximum', 'exclusiveMaximum', Infinity, Math.min) };
}

function endOf(schema: SchemaObject, closed: string, open: string, none: number, stricter: (...ends: number[]) => number): End {
  const [end, openEnd] = [closed, open].map((keyword) => (typeof schema[keyword] === 'number' ? schema[keyword] : none)) as [number, number];
  const at = stricter(end, openEnd);
  return { at, isOpen: at === openEnd && openEnd !== none };
}

/** @param direction 1 where smaller is outside, -1 where greater is */
function isOutside(before: End, now: End, direction: 1 | -1): boolean {
  return before.at === now.at ? now.isOpen && !before.isOpen : (before.at - now.at) * direction < 0;
}

function rangeText({ at, isOpen }: End): string {
  return Number.isFinite(at) ? `${isOpen ? 'beyond ' : ''}${at}` : 'without end';
}

function toldBound(bound: unknown): string {
  return typeof bound === 'number' ? String(bound) : 'none';
}
