import { BadRequestException } from '@nestjs/common';
import { isUtf8 } from 'node:buffer';
import { parse as parseLossless } from 'lossless-json';
import secureJson from 'secure-json-parse';

/** More digits than a double is sure to hold; only then is the slower, exact parser worth its time. */
const LONG_NUMBER = /\d{16}/;
const INTEGER = /^-?\d+$/;

/**
 * The object in the body of a request, its integers exact.
 *
 * @param what the object is to be, for the error: "a task"
 * @throws BadRequestException (400) that says what to write instead
 */
export function readObject(body: unknown, what: string, example: string, fields: readonly string[]): Record<string, unknown> {
  const content = parseJson(body, what, example);
  if (!isObject(content)) throw malformed(what, 'the body must be a JSON object', example);
  const unknown = Object.keys(content).find((field) => !fields.includes(field));
  if (unknown !== undefined) throw malformed(what, `there is no field "${unknown.slice(0, 40)}"; the fields are ${fields.join(', ')}`, example);
  return content;
}

export function malformed(what: string, problem: string, example: string): BadRequestException {
  return new BadRequestException({ statusCode: 400, code: 'ERR_SAMPLE_MALFORMED', message: `This is not ${what}: ${problem}. Write, for instance, ${example}` });
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !isList(value);
}

export function isList(value: unknown): value is unknown[] {
  return Array.isArray(value);
}

function parseJson(body: unknown, what: string, example: string): unknown {
  if (!Buffer.isBuffer(body) || body.length === 0) throw malformed(what, 'the body is empty', example);
  if (!isUtf8(body)) throw malformed(what, 'the body is not UTF-8 text', example);
  const text = body.toString();
  try {
    const content: unknown = secureJson.parse(text, null, { protoAction: 'error', constructorAction: 'error' });
    return LONG_NUMBER.test(text) ? parseLossless(text, null, { parseNumber, onDuplicateKey: ({ newValue }) => newValue }) : content;
  } catch (error) {
    throw malformed(what, `the body cannot be read as JSON: ${(error as Error).message.slice(0, 200)}`, example);
  }
}

/** Integers that a number cannot hold exactly stay exact, as bigint. */
function parseNumber(text: string): number | bigint {
  const value = Number(text);
  return Number.isSafeInteger(value) || !INTEGER.test(text) ? value : BigInt(text);
}
