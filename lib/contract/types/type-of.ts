import type { JsonSchema } from '../model.js';
import { isPlainObject } from '../plain.js';

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

/** As a type has it: `pascalCase('order.ship')` is `OrderShip`. */
export function pascalCase(text: string): string {
  const words = text.split(/[^A-Za-z0-9]+/).filter((word) => word !== '').map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return words.join('').replace(/^(?=\d|$)/, 'T');
}

export function propertyName(name: string): string {
  return IDENTIFIER.test(name) ? name : JSON.stringify(name);
}

/** Writes JSON Schemas as types of TypeScript; parts that schemas refer to get a name each. */
export class TypeWriter {
  /** What was given a name, to stand beside the types that were written. */
  readonly declarations: string[] = [];
  private readonly taken = new Set<string>();
  private readonly names = new Map<JsonSchema, Map<string, string>>();

  /** @param names what is declared elsewhere */
  constructor(names: readonly string[] = []) {
    for (const name of names) this.taken.add(name);
  }

  /** @param called of what it is, for the names of its parts */
  typeOf(schema: JsonSchema, called: string): string {
    return this.write(schema, { root: schema, called });
  }

  private write(schema: unknown, whole: Whole): string {
    if (schema === false) return 'never';
    if (!isPlainObject(schema)) return 'unknown';
    if (typeof schema['$ref'] === 'string') return this.named(schema['$ref'], whole);
    const { anyOf, oneOf, allOf } = schema;
    const choices = Array.isArray(anyOf) ? anyOf : Array.isArray(oneOf) ? oneOf : undefined;
    const parts = [...choices === undefined ? [] : [this.union(choices.map((one: unknown) => this.write(one, whole)))], ...Array.isArray(allOf) ? allOf.map((one: unknown) => this.write(one, whole)) : []];
    const own = this.own(schema, whole);
    const known = [...parts, own].filter((type) => type !== 'unknown');
    return known.length === 0 ? 'unknown' : known.length === 1 ? known[0] ?? 'unknown' : known.map(grouped).join(' & ');
  }

  private own(schema: Record<string, unknown>, whole: Whole): string {
    if (Object.hasOwn(schema, 'const')) return literal(schema['const']);
    if (Array.isArray(schema['enum'])) return this.union((schema['enum'] as unknown[]).map(literal));
    const { type } = schema;
    if (Array.isArray(type)) return this.union((type as unknown[]).map((one) => this.ofType(one, schema, whole)));
    return this.ofType(type ?? (isPlainObject(schema['properties']) ? 'object' : undefined), schema, whole);
  }

  private ofType(type: unknown, schema: Record<string, unknown>, whole: Whole): string {
    switch (type) {
      case 'string': case 'boolean': case 'null': return type;
      case 'integer': return schema['format'] === 'int64' ? 'bigint' : 'number';
      case 'number': return 'number';
      case 'array': return this.list(schema, whole);
      case 'object': return this.object(schema, whole);
      default: return 'unknown';
    }
  }

  private list({ items, additionalItems, minItems }: Record<string, unknown>, whole: Whole): string {
    if (!Array.isArray(items)) return `${grouped(this.write(items ?? true, whole))}[]`;
    const least = typeof minItems === 'number' ? minItems : 0;
    const members = items.map((item: unknown, index) => `${grouped(this.write(item, whole))}${index < least ? '' : '?'}`);
    return `[${[...members, ...additionalItems === false ? [] : [`...${grouped(this.write(additionalItems ?? true, whole))}[]`]].join(', ')}]`;
  }

  private object({ properties, required, additionalProperties }: Record<string, unknown>, whole: Whole): string {
    const known = isPlainObject(properties) ? properties : {};
    const needed = new Set(Array.isArray(required) ? required as unknown[] : []);
    const members = Object.entries(known).map(([name, one]) => `${propertyName(name)}${needed.has(name) ? '' : '?'}: ${this.write(one, whole)}`);
    if (members.length === 0) return `Record<string, ${additionalProperties === false ? 'never' : this.write(additionalProperties ?? true, whole)}>`;
    // Beside others, a type of all further properties would have to be theirs too.
    return `{ ${[...members, ...isPlainObject(additionalProperties) ? ['[name: string]: unknown'] : []].join('; ')} }`;
  }

  private named(reference: string, whole: Whole): string {
    const ofRoot = this.names.get(whole.root) ?? new Map<string, string>();
    this.names.set(whole.root, ofRoot);
    const known = ofRoot.get(reference);
    if (known !== undefined) return known;
    const name = this.newName(whole.called + (reference === '#' ? '' : pascalCase(reference.slice(reference.lastIndexOf('/') + 1))));
    ofRoot.set(reference, name);
    const type = this.write(resolved(whole.root, reference), whole);
    this.declarations.push(`export type ${name} = ${type === name ? 'unknown' : type};`);
    return name;
  }

  private newName(wanted: string): string {
    let name = wanted;
    for (let count = 2; this.taken.has(name); count++) name = `${wanted}${count}`;
    this.taken.add(name);
    return name;
  }

  private union(types: readonly string[]): string {
    const all = [...new Set(types)];
    if (all.includes('unknown')) return 'unknown';
    return all.length === 0 ? 'never' : all.map((type) => (all.length > 1 ? grouped(type) : type)).join(' | ');
  }
}

interface Whole { readonly root: JsonSchema; readonly called: string }

function resolved(root: JsonSchema, reference: string): unknown {
  if (!reference.startsWith('#')) return true;
  let at: unknown = root;
  for (const step of reference.slice(1).split('/').slice(1)) {
    const name = decodeURIComponent(step).replace(/~1/g, '/').replace(/~0/g, '~');
    at = typeof at === 'object' && at !== null && Object.hasOwn(at, name) ? (at as Record<string, unknown>)[name] : undefined;
  }
  return at;
}

function literal(value: unknown): string {
  return typeof value === 'object' && value !== null ? 'unknown' : JSON.stringify(value) ?? 'unknown';
}

/** In parentheses where it would otherwise become part of something else. */
function grouped(type: string): string {
  return / [|&] /.test(type) && !/^[{[].*[}\]]$/s.test(type) ? `(${type})` : type;
}
