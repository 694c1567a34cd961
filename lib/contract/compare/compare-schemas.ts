import type { JsonSchema } from '../model.js';
import { isPlainObject, isSame } from '../plain.js';
import { boundProblems, boundsOf, hasType, type SchemaObject, TELLING, typeOf, typesIn, UNDERSTOOD, valuesIn } from './keywords.js';
import { branchesOf, flattened, part, type Side } from './schema-side.js';

/** More steps are taken for no schema that a person has written. */
const MOST_STEPS = 20_000;
/** Nor are they nested so deeply. */
const MOST_DEPTH = 200;
const MOST_TOLD = 5;
const MOST_TEXT = 80;

/**
 * Why a value that `before` takes may be refused by `now`, each with its place; none where every such value is taken. What
 * cannot be decided counts as refused. An object is thought to have no properties but those that `before` names.
 */
export function narrowings(before: JsonSchema, now: JsonSchema): string[] {
  if (isSame(before, now)) return [];
  return new Comparison().problems({ schema: before, root: before }, { schema: now, root: now }, '');
}

class Comparison {
  private steps = 0;
  /** Pairs of parts that are being compared already: what refers to itself is equal where the rest is. */
  private readonly open = new Map<unknown, Set<unknown>>();
  /** A part is the same object each time that a reference leads to it. */
  private readonly flat = new WeakMap<object, Side>();
  private readonly split = new WeakMap<object, Side[]>();

  problems(before: Side, now: Side, place: string): string[] {
    if (++this.steps > MOST_STEPS || this.open.size > MOST_DEPTH) return [told(place, 'too large to be compared')];
    const [from, to] = [this.flattened(before), this.flattened(now)];
    if (to.schema === true || from.schema === false) return [];
    if (to.schema === false) return [told(place, 'nothing is taken any more')];
    const known = this.open.get(from.schema) ?? new Set<unknown>();
    if (known.has(to.schema)) return [];
    this.open.set(from.schema, known.add(to.schema));
    const found = this.ofBranches(from, to, to.schema, place);
    known.delete(to.schema);
    if (known.size === 0) this.open.delete(from.schema);
    return found;
  }

  private ofBranches(from: Side, to: Side, now: SchemaObject, place: string): string[] {
    const branches = this.branchesOf(from);
    if (branches.length > 0) return [...new Set(branches.flatMap((branch) => this.problems(branch, to, place)))];
    const choices = this.branchesOf(to);
    if (choices.length === 0) return this.ofObjects(from, to, from.schema === true ? {} : from.schema as SchemaObject, now, place);
    const each = choices.map((choice) => this.problems(from, choice, place));
    if (each.some((problems) => problems.length === 0)) return [];
    return each.length === 1 ? each[0] ?? [] : [told(place, `${nameOf(from.schema)} is none of what is taken now`)];
  }

  private ofObjects(from: Side, to: Side, before: SchemaObject, now: SchemaObject, place: string): string[] {
    const values = valuesIn(before);
    const listed = valuesIn(now);
    if (values !== undefined && listed !== undefined) return unlisted(values, listed, place);
    const types = values === undefined ? typesIn(before) : [...new Set(values.map(typeOf))];
    const lost = types.filter((type) => !hasType(typesIn(now), type));
    if (lost.length > 0) return [told(place, `${types.length > 4 ? 'anything' : lost.join(', ')} was taken, now only ${typesIn(now).join(', ')}`)];
    if (listed !== undefined) return [told(place, `only ${listed.map(shown).slice(0, MOST_TOLD).join(', ')} ${listed.length === 1 ? 'is' : 'are'} taken now`)];
    return [
      ...boundProblems(values === undefined ? before : boundsOf(values), now, types).map((text) => told(place, text)),
      ...['string', 'integer'].some((type) => hasType(types, type)) ? textProblems(before, now, place) : [],
      ...types.includes('object') ? this.ofProperties(from, to, before, now, place) : [],
      ...types.includes('array') ? this.ofItems(from, to, before, now, place) : [],
      ...strange(before, now, place),
    ];
  }

  private ofProperties(from: Side, to: Side, before: SchemaObject, now: SchemaObject, place: string): string[] {
    const [old, current] = [propertiesOf(before), propertiesOf(now)];
    const wasRequired = new Set(listIn(before, 'required'));
    const required = listIn(now, 'required').filter((name) => !wasRequired.has(name)).map((name) => told(inside(place, name), 'is required now'));
    const changed = Object.keys(old).flatMap((name) => {
      const taken = Object.hasOwn(current, name) ? current[name] : now['additionalProperties'] ?? true;
      return taken === false && old[name] !== false ? [told(inside(place, name), 'is not taken any more')] : this.problems(part(from, old[name]), part(to, taken), inside(place, name));
    });
    const [moreBefore, moreNow] = [before['additionalProperties'] ?? true, now['additionalProperties'] ?? true];
    if (moreNow === false && moreBefore !== false) return [...required, ...changed, told(place, 'properties that are not named are refused now')];
    const more = isPlainObject(moreBefore) || isPlainObject(moreNow) ? this.problems(part(from, moreBefore), part(to, moreNow), inside(place, '*')) : [];
    return [...required, ...changed, ...more];
  }

  private ofItems(from: Side, to: Side, before: SchemaObject, now: SchemaObject, place: string): string[] {
    const unique = now['uniqueItems'] === true && before['uniqueItems'] !== true ? [told(place, 'its items must differ now')] : [];
    const length = Math.max(tupleOf(before).length, tupleOf(now).length);
    const items = Array.from({ length }, (_, index) => this.problems(part(from, itemAt(before, index)), part(to, itemAt(now, index)), `${place}[${index}]`)).flat();
    return [...unique, ...items, ...this.problems(part(from, itemAt(before, length)), part(to, itemAt(now, length)), `${place}[]`)];
  }

  private flattened(side: Side): Side {
    if (typeof side.schema === 'boolean') return side;
    const flat = this.flat.get(side.schema) ?? flattened(side);
    this.flat.set(side.schema, flat);
    return flat;
  }

  private branchesOf(side: Side): Side[] {
    if (typeof side.schema === 'boolean') return [];
    const branches = this.split.get(side.schema) ?? branchesOf(side, side.schema);
    this.split.set(side.schema, branches);
    return branches;
  }
}

function unlisted(values: readonly unknown[], listed: readonly unknown[], place: string): string[] {
  const lost = values.filter((value) => !listed.some((one) => isSame(one, value)));
  return lost.length === 0 ? [] : [told(place, `${lost.map(shown).slice(0, MOST_TOLD).join(', ')} ${lost.length === 1 ? 'is' : 'are'} not taken any more`)];
}

function textProblems(before: SchemaObject, now: SchemaObject, place: string): string[] {
  return ['pattern', 'format'].filter((keyword) => now[keyword] !== undefined && now[keyword] !== before[keyword])
    .map((keyword) => told(place, `its ${keyword} is ${shown(now[keyword])} now, and was ${before[keyword] === undefined ? 'any' : shown(before[keyword])}`));
}

/** Rules that are compared by being the same. */
function strange(before: SchemaObject, now: SchemaObject, place: string): string[] {
  return Object.keys(now).filter((keyword) => !TELLING.has(keyword) && !UNDERSTOOD.has(keyword) && !keyword.startsWith('x-') && !isSame(before[keyword], now[keyword]))
    .map((keyword) => told(place, `"${keyword}" has changed, and nobody can tell whether everything is still taken`));
}

function propertiesOf({ properties }: SchemaObject): Readonly<Record<string, unknown>> {
  return isPlainObject(properties) ? properties : {};
}

function listIn(schema: SchemaObject, keyword: string): string[] {
  const list = schema[keyword];
  return Array.isArray(list) ? list.filter((one) => typeof one === 'string') : [];
}

function tupleOf({ items }: SchemaObject): readonly unknown[] {
  return Array.isArray(items) ? items : [];
}

function itemAt(schema: SchemaObject, index: number): unknown {
  const { items, additionalItems } = schema;
  if (!Array.isArray(items)) return items ?? true;
  return index < items.length ? (items as unknown[])[index] : additionalItems ?? true;
}

function inside(place: string, name: string): string {
  return place === '' ? name : `${place}.${name}`;
}

function told(place: string, text: string): string {
  return place === '' ? text : `${place}: ${text}`;
}

function nameOf(schema: JsonSchema): string {
  return isPlainObject(schema) && schema['type'] !== undefined ? shown(schema['type']) : 'what was taken';
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length <= MOST_TEXT ? text : `${text.slice(0, MOST_TEXT)}...`;
}
