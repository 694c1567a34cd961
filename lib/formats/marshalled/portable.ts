import { types } from 'node:util';
import { display, type ArgumentType } from '../../task/argument-types.js';
import { encodeJson, reviveJson } from '../../task/json-form.js';

/** As deep as a `json` argument may be. */
const MAX_DEPTH = 512;
const LOWEST = -(2n ** 63n);
const HIGHEST = 2n ** 64n - 1n;
/** A library may write a whole number beyond this as a float, if it is given as a number. */
const SMALL = 2 ** 31;

/** Why a value cannot travel, or is none that could have travelled. Of this module; whoever calls it says of which argument. */
export class ValueProblem extends Error {}

/** What a marshaller is given: dates and bytes stay what they are, everything else takes its JSON form. @throws ValueProblem */
export function portable(value: unknown, depth = 0): unknown {
  if (typeof value === 'bigint') return sizedBigint(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) throw new ValueProblem(`nested deeper than ${MAX_DEPTH} levels`);
  if (types.isDate(value)) return validDate(value);
  if (types.isUint8Array(value)) return value;
  if (Array.isArray(value)) return value.map((item) => portable(item ?? null, depth + 1));
  if (isPlain(value)) return fromEntries(Object.entries(value).filter(([, item]) => item !== undefined).map(([key, item]) => [key, portable(item, depth + 1)]));
  const encoded = encodeJson(value, { as: 'an argument of a task', give: 'pass', strict: true });
  if ('problem' in encoded) throw new ValueProblem(encoded.problem);
  return portable(reviveJson(JSON.parse(encoded.text)), depth + 1);
}

/** It is none of JSON, and travels as what it is. */
export function isRich(value: unknown): boolean {
  return types.isDate(value) || types.isUint8Array(value);
}

/** A value of a scalar type, or a list of one: whole numbers of any size as whole numbers. */
export function portableScalar(type: ArgumentType, value: unknown): unknown {
  if (!/int/.test(type)) return value;
  const whole = (item: unknown): unknown => (typeof item === 'number' && Math.abs(item) >= SMALL ? BigInt(item) : item);
  return Array.isArray(value) ? value.map(whole) : whole(value);
}

/** What has arrived as data: bytes of its own, and nothing that a library has made of a tag that nobody expects. @throws ValueProblem */
export function arrived(value: unknown, depth = 0): unknown {
  switch (typeof value) {
    case 'bigint': return narrow(value);
    case 'number':
      if (Number.isFinite(value)) return value;
      throw new ValueProblem(`expected a finite number, found ${display(value)}`);
    case 'string': case 'boolean': return value;
    case 'object': return value === null ? null : arrivedObject(value, depth);
    default: throw new ValueProblem(`expected data, found ${display(value)}`);
  }
}

/** A value of a scalar type, as its type is checked. */
export function arrivedScalar(type: string, value: unknown): unknown {
  const one = (item: unknown): unknown => {
    if (typeof item !== 'bigint') return item;
    return /float/.test(type) ? Number(item) : narrow(item);
  };
  return Array.isArray(value) ? value.map(one) : one(value);
}

function arrivedObject(value: object, depth: number): unknown {
  if (depth >= MAX_DEPTH) throw new ValueProblem(`nested deeper than ${MAX_DEPTH} levels`);
  if (types.isDate(value)) return validDate(value);
  // A copy: the body that it is a part of belongs to somebody else.
  if (types.isUint8Array(value)) return Buffer.from(value);
  if (Array.isArray(value)) return value.map((item) => arrived(item, depth + 1));
  if (!isPlain(value)) throw new ValueProblem(`expected data, found ${display(value)}`);
  if (Object.hasOwn(value, '__proto__')) throw new ValueProblem('the key "__proto__" is not allowed');
  const inner: unknown = Object.hasOwn(value, 'constructor') ? (value as { constructor: unknown }).constructor : undefined;
  if (typeof inner === 'object' && inner !== null && Object.hasOwn(inner, 'prototype')) throw new ValueProblem('an object "constructor" with the key "prototype" is not allowed');
  return fromEntries(Object.entries(value).map(([key, item]) => [key, arrived(item, depth + 1)]));
}

function sizedBigint(value: bigint): bigint {
  if (value >= LOWEST && value <= HIGHEST) return value;
  throw new ValueProblem(`the bigint ${String(value).slice(0, 40)} has more than 64 bits; pass it as a text`);
}

/** As in JSON: what a number holds exactly is a number. */
function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function validDate(value: Date): Date {
  if (Number.isNaN(value.getTime())) throw new ValueProblem('a Date that is no date');
  return value;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** `Object.fromEntries` makes own properties of every key, also of those that an assignment would take for something else. */
function fromEntries(entries: [string, unknown][]): object {
  return Object.fromEntries(entries);
}
