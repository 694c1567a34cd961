import { isA, messageOf } from '../task/error-text.js';

/**
 * What a handler returned, as JSON text and back. Anything JSON can say comes back as it was, and so
 * do `bigint`, `undefined` (as the value itself and in arrays) and the numbers that JSON has no words
 * for (NaN, the infinities, -0). Everything else takes its JSON form: a `Date` becomes its ISO text, a
 * class instance what its `toJSON` gives, or its own enumerable properties; a property that is
 * undefined, a function or a symbol is left out. The same form for whoever asks: the caller, the next
 * step of a chain, the dashboard, another language.
 *
 * What JSON lacks is said by an object with one key: `{"$bigint":"42"}`, `{"$number":"NaN"}`,
 * `{"$undefined":true}`. A value that looks like one of them travels inside `{"$escaped":...}`.
 */
export type EncodedValue = { readonly text: string } | { readonly problem: string };

const BIGINT = '$bigint';
const NUMBER = '$number';
const UNDEFINED = '$undefined';
const ESCAPED = '$escaped';
const TAGS = new Set([BIGINT, NUMBER, UNDEFINED, ESCAPED]);

/** The text, or what is wrong with the value; never throws, whatever the value does. */
export function encodeValue(value: unknown): EncodedValue {
  if (value === undefined) return { text: `{"${UNDEFINED}":true}` };
  if (typeof value === 'function' || typeof value === 'symbol') {
    return { problem: `a ${typeof value} cannot be a result; return data` };
  }
  try {
    const text = JSON.stringify(value, replacer()) as string | undefined;
    return text === undefined ? { problem: 'its toJSON gives nothing; return data' } : { text };
  } catch (error) {
    return { problem: problemOf(error) };
  }
}

/** @throws SyntaxError for a text that {@link encodeValue} did not make */
export function decodeValue(text: string): unknown {
  return reviveValue(JSON.parse(text) as unknown);
}

/** The second half of {@link decodeValue}, for a value parsed already; changes it in place. */
export function reviveValue(parsed: unknown): unknown {
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

function replacer(): (this: unknown, key: string, value: unknown) => unknown {
  const wrappers = new WeakSet<object>();
  return function replace(this: unknown, key: string, value: unknown): unknown {
    // The holder's own value: applications like to give BigInt.prototype a toJSON.
    const raw = (this as Record<string, unknown>)[key];
    if (typeof raw === 'bigint') return { [BIGINT]: String(raw) };
    if (typeof value === 'number') return numberForm(value);
    if (value === undefined) return Array.isArray(this) ? { [UNDEFINED]: true } : undefined;
    if (typeof value !== 'object' || value === null) return value;
    if (value instanceof Map || value instanceof Set) throw new UnstorableError(value instanceof Map ? 'Map' : 'Set');
    if (tagOf(value) === undefined || wrappers.has(this as object)) return value;
    const wrapper = { [ESCAPED]: value };
    wrappers.add(wrapper);
    return wrapper;
  };
}

function numberForm(value: number): unknown {
  if (Number.isFinite(value) && !Object.is(value, -0)) return value;
  return { [NUMBER]: Object.is(value, -0) ? '-0' : String(value) };
}

function tagOf(value: object): string | undefined {
  if (Array.isArray(value)) return undefined;
  const keys = Object.keys(value);
  return keys.length === 1 && TAGS.has(keys[0]) ? keys[0] : undefined;
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

/** Their JSON form is `{}`: a result that is silently empty. */
class UnstorableError extends Error {
  constructor(kind: string) {
    super(`a ${kind} has no JSON form; return an array of its entries, or a plain object`);
  }
}

function problemOf(error: unknown): string {
  const text = messageOf(error);
  if (isA(error, UnstorableError)) return text;
  if (isA(error, RangeError)) return `it is nested too deeply, or too long for one text (${text}); return less, or a reference to it`;
  if (/circular/i.test(text)) return `it contains itself (${text.split('\n').slice(0, 3).join(' ').slice(0, 300)}); return plain data without the circle`;
  return `turning it into JSON failed: ${text.slice(0, 500)}`;
}
