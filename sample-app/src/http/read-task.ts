import { BadRequestException } from '@nestjs/common';
import { isUtf8 } from 'node:buffer';
import { parse as parseLossless } from 'lossless-json';
import type { TaskInput } from 'nestjs-dispatcher';
import secureJson from 'secure-json-parse';
import { readArgumentValue } from './read-argument-value.js';

const EXAMPLE = '{"name":"task_1","args":[{"type":"string","value":"hello"},{"type":"int","value":1}]}';
const FIELDS = ['name', 'args', 'routingKey', 'headers', 'uuid'];

/** More digits than a double is sure to hold; only then is the slower, exact parser worth its time. */
const LONG_NUMBER = /\d{16}/;
const INTEGER = /^-?\d+$/;

/**
 * A task from the body of a request. Only its shape is checked here; types, values and sizes are the
 * dispatcher's, which says more about them.
 *
 * @throws BadRequestException (400) that says what to write instead
 */
export function readTask(body: unknown): TaskInput {
  const content = parseJson(body);
  if (!isObject(content)) throw malformed('the body must be a JSON object');
  const unknown = Object.keys(content).find((field) => !FIELDS.includes(field));
  if (unknown !== undefined) throw malformed(`there is no field "${unknown.slice(0, 40)}"; the fields are ${FIELDS.join(', ')}`);
  const { name, args, routingKey, headers, uuid } = content;
  if (typeof name !== 'string' || name === '') throw malformed('"name" must be a string that is not empty');
  if (args !== undefined && args !== null && !isList(args)) throw malformed('"args" must be a list of {"type","value"}');
  return {
    name,
    args: (args ?? undefined)?.map(readArgument),
    routingKey: optionalText(routingKey, 'routingKey'),
    headers: optionalHeaders(headers),
    uuid: optionalText(uuid, 'uuid'),
  };
}

function parseJson(body: unknown): unknown {
  if (!Buffer.isBuffer(body) || body.length === 0) throw malformed('the body is empty');
  if (!isUtf8(body)) throw malformed('the body is not UTF-8 text');
  const text = body.toString();
  try {
    const content: unknown = secureJson.parse(text, null, { protoAction: 'error', constructorAction: 'error' });
    return LONG_NUMBER.test(text) ? parseLossless(text, null, { parseNumber, onDuplicateKey: ({ newValue }) => newValue }) : content;
  } catch (error) {
    throw malformed(`the body cannot be read as JSON: ${(error as Error).message.slice(0, 200)}`);
  }
}

/** Integers that a number cannot hold exactly stay exact, as bigint. */
function parseNumber(text: string): number | bigint {
  const value = Number(text);
  return Number.isSafeInteger(value) || !INTEGER.test(text) ? value : BigInt(text);
}

function readArgument(argument: unknown, index: number): { type: never; value: unknown } {
  if (!isObject(argument) || typeof argument.type !== 'string' || !('value' in argument)) {
    throw malformed(`argument ${index + 1} must be an object {"type","value"}, "type" being a string`);
  }
  // A type that is not in the list is refused by publish(), whose text has the list.
  return { type: argument.type as never, value: readArgumentValue(argument.type, argument.value) };
}

function optionalText(value: unknown, field: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  throw malformed(`"${field}" must be a string`);
}

function optionalHeaders(value: unknown): TaskInput['headers'] {
  if (value === undefined || value === null) return undefined;
  if (isObject(value)) return value as TaskInput['headers'];
  throw malformed('"headers" must be an object of names and values');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !isList(value);
}

function isList(value: unknown): value is unknown[] {
  return Array.isArray(value);
}

function malformed(problem: string): BadRequestException {
  const message = `This is not a task: ${problem}. Write, for instance, ${EXAMPLE}`;
  return new BadRequestException({ statusCode: 400, code: 'ERR_SAMPLE_MALFORMED', message });
}
