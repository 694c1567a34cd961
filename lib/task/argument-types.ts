import { InvalidTaskError } from '../errors.js';

/**
 * The fourteen scalar types of gofort/dispatcher, a closed list.
 * Source: gofort/dispatcher's task arguments, whose Go names these are.
 */
export const SCALAR_TYPES = [
  'bool', 'string',
  'int', 'int8', 'int16', 'int32', 'int64',
  'uint', 'uint8', 'uint16', 'uint32', 'uint64',
  'float32', 'float64',
] as const;

/** @publicApi */
export type ScalarType = (typeof SCALAR_TYPES)[number];

/** A scalar, a list of one scalar type (`[]int`, as in machinery), or anything JSON can say. @publicApi */
export type ArgumentType = ScalarType | `[]${ScalarType}` | 'json';

interface IntegerRange { min: bigint; max: bigint }

const signed = (bits: bigint): IntegerRange => ({ min: -(1n << (bits - 1n)), max: (1n << (bits - 1n)) - 1n });
const unsigned = (bits: bigint): IntegerRange => ({ min: 0n, max: (1n << bits) - 1n });

/** `int` and `uint` have 64 bits in Go on every platform that matters. */
const INTEGER_RANGES: Partial<Record<string, IntegerRange>> = {
  int: signed(64n), int8: signed(8n), int16: signed(16n), int32: signed(32n), int64: signed(64n),
  uint: unsigned(64n), uint8: unsigned(8n), uint16: unsigned(16n), uint32: unsigned(32n), uint64: unsigned(64n),
};

/** A refusal: what was expected and what was found. `undefined` means the value is fine. */
type Problem = string | undefined;

type Check = (value: unknown) => Problem;

const checks = new Map<string, Check>();
for (const type of SCALAR_TYPES) {
  const check = scalarCheck(type);
  checks.set(type, check);
  checks.set(`[]${type}`, listCheck(type, check));
}
checks.set('json', checkJson);

/**
 * What is wrong with this value for this type, or `undefined` if nothing is. Values are never
 * coerced: a value outside its type's range or kind is a problem, even where a cast would "work".
 */
export function problemWith(type: ArgumentType, value: unknown): Problem {
  const check = checks.get(type);
  return check === undefined ? unknownTypeText(type) : check(value);
}

/** The text for a type that is not in the list. */
function unknownTypeText(type: unknown): string {
  return `unknown argument type ${display(type)}; the types are ${SCALAR_TYPES.join(' ')}, [] before one of them, and json`;
}

/**
 * The value as the handler receives it: `int64` and `uint64` always as `bigint`; every other integer
 * as `number`, except an `int` or `uint` that a `number` cannot hold exactly, which stays a `bigint`.
 * The value must have passed {@link problemWith}.
 */
export function toHandlerValue(type: ArgumentType, value: unknown): unknown {
  switch (type) {
    case 'int64': case 'uint64':
      return typeof value === 'bigint' ? value : BigInt(value as number);
    case '[]int64': case '[]uint64':
      return (value as unknown[]).map((item) => (typeof item === 'bigint' ? item : BigInt(item as number)));
    default:
      return value;
  }
}

/**
 * The type that a plain value gets in `publish(name, ...args)`: string -> `string`, boolean -> `bool`,
 * safe integer -> `int`, other number -> `float64`, bigint -> `int64` (`uint64` where only that holds it),
 * `null`, arrays and objects -> `json`.
 *
 * @throws InvalidTaskError for what has no type: `undefined`, functions, symbols
 */
export function inferType(value: unknown): ArgumentType {
  switch (typeof value) {
    case 'string': return 'string';
    case 'boolean': return 'bool';
    case 'number': return Number.isSafeInteger(value) && !Object.is(value, -0) ? 'int' : 'float64';
    case 'bigint': return value > (INTEGER_RANGES.int64 as IntegerRange).max ? 'uint64' : 'int64';
    case 'object': return 'json';
    default:
      throw new InvalidTaskError(
        `A ${typeof value} cannot be an argument of a task. Pass a string, boolean, number, bigint or plain JSON value; `
        + 'for "nothing" pass null.', { found: typeof value });
  }
}

function scalarCheck(type: ScalarType): Check {
  if (type === 'bool') return (value) => (typeof value === 'boolean' ? undefined : mismatch('true or false', value));
  if (type === 'string') return checkString;
  const range = INTEGER_RANGES[type];
  if (range !== undefined) return integerCheck(range);
  return type === 'float32' ? checkFloat32 : checkFloat64;
}

function checkString(value: unknown): Problem {
  return typeof value === 'string' ? undefined : mismatch('a string', value);
}

function integerCheck({ min, max }: IntegerRange): Check {
  const lowest = Number(min);
  const highest = Number(max);
  const wide = max > BigInt(Number.MAX_SAFE_INTEGER);
  return (value) => {
    if (typeof value === 'number') {
      if (!Number.isInteger(value)) return mismatch('an integer', value);
      if (wide && !Number.isSafeInteger(value)) return mismatch('a bigint, because a number cannot hold it exactly', value);
      return value < lowest || value > highest ? mismatch(`an integer from ${min} to ${max}`, value) : undefined;
    }
    if (typeof value === 'bigint') return value < min || value > max ? mismatch(`an integer from ${min} to ${max}`, value) : undefined;
    return mismatch('an integer', value);
  };
}

function checkFloat64(value: unknown): Problem {
  return typeof value === 'number' && Number.isFinite(value) ? undefined : mismatch('a finite number', value);
}

/** Rounding to 32 bits is what a float is for; overflow to infinity is not. Go writes its largest as 3.4028235e+38, which rounds down to it. */
function checkFloat32(value: unknown): Problem {
  return checkFloat64(value)
    ?? (Number.isFinite(Math.fround(value as number)) ? undefined : mismatch('a number that 32 bits can hold, up to 3.4028235e+38', value));
}

function listCheck(type: ScalarType, check: Check): Check {
  return (value) => {
    if (!Array.isArray(value)) return mismatch(`an array of ${type}`, value);
    for (let index = 0; index < value.length; index++) {
      const problem = check(value[index]);
      if (problem !== undefined) return `at index ${index}: ${problem}`;
    }
    return undefined;
  };
}

/** How deep a `json` value may nest: far beyond honest data, far below what overflows a stack. */
const MAX_JSON_DEPTH = 512;

/** Only what JSON can say and give back: no dates, maps, class instances, functions, NaN, cycles. What is published takes its JSON form before. */
function checkJson(value: unknown): Problem {
  return jsonProblem(value, '', 0);
}

function jsonProblem(value: unknown, path: string, depth: number): Problem {
  switch (typeof value) {
    case 'string': case 'boolean': case 'bigint': return undefined;
    case 'number': return Number.isFinite(value) ? undefined : at(path, mismatch('a finite number', value));
    case 'object': break;
    default: return at(path, mismatch('a JSON value', value));
  }
  if (value === null) return undefined;
  if (depth >= MAX_JSON_DEPTH) {
    return `nested deeper than ${MAX_JSON_DEPTH} levels, or a circle; flatten it, or store it elsewhere and pass its key`;
  }
  if (Array.isArray(value)) return firstProblem(value.entries(), path, depth);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    return at(path, mismatch('a plain object', value) + '; convert it first, a Date by toISOString() for one');
  }
  if (Object.hasOwn(value, '__proto__')) return at(path, 'the key "__proto__" is not allowed; rename it');
  if (hidesPrototype(value)) return at(path, 'an object "constructor" with the key "prototype" is not allowed, because readers take it for an attack; rename one of them');
  // A property that is undefined is left out, as JSON.stringify does and as optional properties need.
  return firstProblem(Object.entries(value).filter(([, item]) => item !== undefined), path, depth);
}

/** What a careful reader of JSON refuses, ours too: better said to the sender than found in a dead letter. */
function hidesPrototype(value: object): boolean {
  const inner: unknown = Object.hasOwn(value, 'constructor') ? (value as { constructor: unknown }).constructor : undefined;
  return typeof inner === 'object' && inner !== null && Object.hasOwn(inner, 'prototype');
}

function firstProblem(entries: Iterable<[string | number, unknown]>, path: string, depth: number): Problem {
  for (const [key, item] of entries) {
    const problem = jsonProblem(item, path === '' ? String(key) : `${path}.${key}`, depth + 1);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function at(path: string, problem: string): string {
  return path === '' ? problem : `at ${path.slice(0, 200)}: ${problem}`;
}

function mismatch(expected: string, found: unknown): string {
  return `expected ${expected}, found ${display(found)}`;
}

/** A value as an error text shows it: its kind and a short form, never megabytes of it. */
export function display(value: unknown): string {
  switch (typeof value) {
    case 'string': return `the string ${JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value)}`;
    case 'number': return `the number ${Object.is(value, -0) ? '-0' : value}`;
    case 'bigint': return `the bigint ${value}`;
    case 'boolean': return String(value);
    case 'object': return value === null ? 'null' : displayObject(value);
    default: return typeof value;
  }
}

/** A value of a user's may throw at every touch; the text that refuses it must not. */
function displayObject(value: object): string {
  try {
    return Array.isArray(value) ? 'an array' : `an object (${constructorName(value)})`;
  } catch {
    return 'an object that cannot be read';
  }
}

function constructorName(value: object): string {
  const constructor: unknown = (value as { constructor?: unknown }).constructor;
  return typeof constructor === 'function' ? String(constructor.name).slice(0, 60) : 'without prototype';
}
