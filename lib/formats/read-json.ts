import { isUtf8 } from 'node:buffer';
import { parse as parseLossless } from 'lossless-json';
import secureJson from 'secure-json-parse';
import { InvalidBodyError } from '../errors.js';
import { display } from '../task/argument-types.js';

/** A number of so many digits or more may be more than a double holds; shorter ones never are. */
const LONG_DIGITS = 16;
const INTEGER = /^-?\d+$/;
/** As in Python. Far more take seconds to be read. */
const MOST_DIGITS = 4_300;

const PROTOTYPE_KEYS_ARE_ERRORS = { protoAction: 'error', constructorAction: 'error' } as const;

/**
 * A body as JSON, with integers that a double cannot hold as `bigint`. Of two equal keys the last one wins, as in
 * `JSON.parse`, Go and Python.
 *
 * @param expected as what follows "expected": `a JSON object {"uuid","name","args"}`
 * @throws InvalidBodyError
 */
export function readJson(body: Buffer, expected: string): unknown {
  if (body.length === 0) throw new InvalidBodyError(`The body is empty; expected ${expected}.`);
  if (!isUtf8(body)) throw new InvalidBodyError(`The body is not UTF-8 text; expected ${expected}.`, { bytes: body.length });
  const text = body.toString();
  try {
    const content: unknown = secureJson.parse(text, null, PROTOTYPE_KEYS_ARE_ERRORS);
    return hasLongNumber(body) ? parseLossless(text, null, { parseNumber, onDuplicateKey }) : content;
  } catch (error) {
    // A parser that is recursive runs out of stack, which says nothing to whoever reads the dead letter.
    const problem = error instanceof RangeError ? 'it is nested too deeply' : (error as Error).message;
    throw new InvalidBodyError(`The body cannot be read as JSON: ${problem}. It begins with ${display(text)}.`, { bytes: body.length }, error);
  }
}

/** Only each 16th byte need be looked at: a digit stands there in any run of as many. */
export function hasLongNumber(body: Uint8Array): boolean {
  for (let at = LONG_DIGITS - 1; at < body.length; at += LONG_DIGITS) {
    if (!isDigit(body[at])) continue;
    let first = at;
    let end = at + 1;
    while (isDigit(body[first - 1])) first--;
    while (isDigit(body[end])) end++;
    if (end - first >= LONG_DIGITS) return true;
  }
  return false;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

/** As {@link readJson}. @throws InvalidBodyError also where it is no object */
export function readJsonObject(body: Buffer, keys: string): Record<string, unknown> {
  const content = readJson(body, `a JSON object ${keys}`);
  if (isObject(content)) return content;
  throw malformed(`the body must be a JSON object ${keys}`, content);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function malformed(expected: string, found: unknown): InvalidBodyError {
  return new InvalidBodyError(`The body is not a task: ${expected}; found ${display(found)}.`);
}

export function nonEmptyString(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function parseNumber(text: string): number | bigint {
  const value = Number(text);
  if (Number.isSafeInteger(value) || !INTEGER.test(text)) return value;
  if (text.length > MOST_DIGITS) throw new SyntaxError(`a number has ${text.length} digits, more than ${MOST_DIGITS}`);
  return BigInt(text);
}

function onDuplicateKey({ newValue }: { newValue: unknown }): unknown {
  return newValue;
}
