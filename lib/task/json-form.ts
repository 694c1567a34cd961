import { types } from 'node:util';
import { isA, messageOf } from './error-text.js';

/**
 * The JSON form of a value, as text and back: one for arguments and results. Anything JSON can say comes back as it was.
 * Everything else takes its JSON form: a `Date` becomes its ISO text, a class instance what its `toJSON` gives, or its own
 * enumerable properties; a property that is undefined is left out.
 *
 * What JSON lacks is said by an object with one key: `{"$bigint":"42"}`, `{"$number":"NaN"}`, `{"$undefined":true}`. A
 * value that looks like one of them travels inside `{"$escaped":...}`.
 */
export type EncodedValue = { readonly text: string } | { readonly problem: string };

/** What the value is for. */
export interface JsonUse {
  /** As what follows "cannot be". */
  readonly as: string;
  /** What its owner is to do with something better: `return`. */
  readonly give: string;
  /**
   * Whether what would be lost without a word is refused: functions, symbols, NaN, invalid dates, and objects of the
   * language whose JSON form is empty, such as a promise. An undefined in a list is then `null`, as JSON says it.
   */
  readonly strict: boolean;
}

const BIGINT = '$bigint';
const NUMBER = '$number';
const UNDEFINED = '$undefined';
const ESCAPED = '$escaped';
const TAGS = new Set([BIGINT, NUMBER, UNDEFINED, ESCAPED]);

/** The text, or what is wrong with the value; never throws, whatever the value does. */
export function encodeJson(value: unknown, use: JsonUse): EncodedValue {
  if (value === undefined && !use.strict) return { text: `{"${UNDEFINED}":true}` };
  if (typeof value === 'function' || typeof value === 'symbol' || value === undefined) {
    return { problem: `${value === undefined ? 'undefined' : `a ${typeof value}`} cannot be ${use.as}; ${use.give} data` };
  }
  try {
    const text = JSON.stringify(value, new Replacer(use).replacing()) as string | undefined;
    return text === undefined ? { problem: `its toJSON gives nothing; ${use.give} data` } : { text };
  } catch (error) {
    return { problem: problemOf(error, use) };
  }
}

/** What {@link encodeJson} has written, parsed already; changes it in place. */
export function reviveJson(parsed: unknown): unknown {
  const root = { value: parsed };
  const open: [Record<string, unknown>, string][] = [[root, 'value']];
  // Not by recursion: what JSON.parse can read may be deeper than the stack.
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [holder, key] = next;
    const found = holder[key];
    if (typeof found !== 'object' || found === null) continue;
    const tag = tagOf(found);
    const inner = tag === undefined ? found : untag(tag, (found as Record<string, unknown>)[tag]);
    if (tag !== undefined) put(holder, key, inner);
    if (typeof inner !== 'object' || inner === null) continue;
    for (const name of Object.keys(inner)) open.push([inner as Record<string, unknown>, name]);
  }
  return root.value;
}

class Replacer {
  private readonly wrappers = new WeakSet<object>();
  /** Where each object was found, for who is told what is wrong. */
  private readonly paths = new WeakMap<object, string>();

  constructor(private readonly use: JsonUse) {}

  replacing(): (this: unknown, key: string, value: unknown) => unknown {
    const replace = (holder: object, key: string, value: unknown): unknown => this.replace(holder, key, value);
    return function replaced(this: unknown, key: string, value: unknown): unknown {
      return replace(this as object, key, value);
    };
  }

  private replace(holder: object, key: string, value: unknown): unknown {
    // The holder's own value: applications like to give BigInt.prototype a toJSON.
    const raw = (holder as Record<string, unknown>)[key];
    if (typeof raw === 'bigint') return { [BIGINT]: String(raw) };
    if (this.use.strict) this.refuseLosses(holder, key, raw, value);
    if (typeof value === 'number') return numberForm(value);
    if (value === undefined) return this.undefinedIn(holder);
    if (typeof value !== 'object' || value === null) return value;
    if (value instanceof Map || value instanceof Set) throw noForm(value, this.use, this.pathOf(holder, key));
    if (tagOf(value) === undefined || this.wrappers.has(holder)) return value;
    const wrapper = { [ESCAPED]: value };
    this.wrappers.add(wrapper);
    return wrapper;
  }

  private undefinedIn(holder: object): unknown {
    if (!Array.isArray(holder)) return undefined;
    return this.use.strict ? null : { [UNDEFINED]: true };
  }

  private refuseLosses(holder: object, key: string, raw: unknown, value: unknown): void {
    const path = this.pathOf(holder, key);
    if (typeof value === 'object' && value !== null) this.paths.set(value, path);
    if (typeof value === 'function' || typeof value === 'symbol') throw new NoJsonError(`${at(path)}a ${typeof value} cannot be ${this.use.as}; ${this.use.give} data`);
    if (typeof value === 'number' && !Number.isFinite(value)) throw new NoJsonError(`${at(path)}expected a finite number, found ${value}`);
    if (types.isDate(raw) && Number.isNaN(raw.getTime())) throw new NoJsonError(`${at(path)}the Date is not valid; ${this.use.give} one that is, or null`);
    if (isOpaque(value)) throw noForm(value, this.use, path);
  }

  private pathOf(holder: object, key: string): string {
    const above = this.paths.get(holder) ?? '';
    return above === '' ? key : `${above}.${key}`;
  }
}

/** Their JSON form is `{}`, or the bytes by their numbers. */
function isOpaque(value: unknown): value is object {
  return types.isPromise(value) || types.isRegExp(value) || types.isNativeError(value) || types.isAnyArrayBuffer(value) || ArrayBuffer.isView(value)
    || types.isMap(value) || types.isSet(value) || types.isWeakMap(value) || types.isWeakSet(value) || types.isGeneratorObject(value);
}

function numberForm(value: number): unknown {
  if (Number.isFinite(value) && !Object.is(value, -0)) return value;
  return { [NUMBER]: Object.is(value, -0) ? '-0' : String(value) };
}

function tagOf(value: object): string | undefined {
  if (Array.isArray(value)) return undefined;
  const keys = Object.keys(value);
  const only = keys.length === 1 ? keys[0] : undefined;
  return only !== undefined && TAGS.has(only) ? only : undefined;
}

function untag(tag: string, inner: unknown): unknown {
  switch (tag) {
    case BIGINT: return BigInt(inner as string);
    case NUMBER: return Number(inner);
    case UNDEFINED: return undefined;
    default: return inner;
  }
}

/** An assignment to `__proto__` would not be one. */
function put(holder: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
  else holder[key] = value;
}

/** It would be silently empty. */
class NoJsonError extends Error {}

function noForm(value: object, { give, strict }: JsonUse, path: string): NoJsonError {
  const kind = Object.prototype.toString.call(value).slice(8, -1);
  const better = types.isPromise(value) ? 'await it first' : types.isAnyArrayBuffer(value) || ArrayBuffer.isView(value)
    ? `${give} its bytes as text, Buffer.from(it).toString('base64')` : `${give} an array of its entries, or a plain object`;
  return new NoJsonError(`${strict ? at(path) : ''}${/^[AEIOU]/.test(kind) ? 'an' : 'a'} ${kind} has no JSON form; ${better}`);
}

function at(path: string): string {
  return path === '' ? '' : `at ${path.slice(0, 200)}: `;
}

function problemOf(error: unknown, { give }: JsonUse): string {
  const text = messageOf(error);
  if (isA(error, NoJsonError)) return text;
  if (isA(error, RangeError)) return `it is nested too deeply, or too long for one text (${text}); ${give} less, or a reference to it`;
  if (/circular/i.test(text)) return `it contains itself (${text.split('\n').slice(0, 3).join(' ').slice(0, 300)}); ${give} plain data without the circle`;
  return `turning it into JSON failed: ${text.slice(0, 500)}`;
}
