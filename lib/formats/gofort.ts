import { isUtf8 } from 'node:buffer';
import { parse as parseLossless, stringify as stringifyLossless } from 'lossless-json';
import secureJson from 'secure-json-parse';
import type { Message } from '../brokers/broker.js';
import { InvalidBodyError } from '../errors.js';
import { display, toHandlerValue } from '../task/argument-types.js';
import { checkArguments } from '../task/complete-task.js';
import type { Task, TaskArgument } from '../task/task.js';
import type { EncodedTask, Format } from './format.js';

const CONTENT_TYPE = 'application/json';

/** A number of 16 digits or more may be more than a double holds; shorter ones never are. */
const LONG_NUMBER = /\d{16}/;
const INTEGER = /^-?\d+$/;

/**
 * The body of gofort/dispatcher: `{"uuid","name","args":[{"type","value"}]}`, `args` being `null` when
 * the task has none. Headers travel as AMQP headers, the uuid also as message id (Go ignores it).
 * Source: gofort/dispatcher, commit af19a5a, task encoding.
 */
export const gofortFormat: Format = {
  name: 'gofort',
  contentType: CONTENT_TYPE,

  encode(task: Task): EncodedTask {
    const text = `{"uuid":${JSON.stringify(task.uuid)},"name":${JSON.stringify(task.name)},"args":${encodeArguments(task.args)}}`;
    return {
      body: Buffer.from(text),
      properties: { contentType: CONTENT_TYPE, messageId: task.uuid, headers: task.headers },
    };
  },

  decode(message: Message): Task {
    const content = parseBody(message.body);
    const { uuid, name } = content;
    if (typeof name !== 'string' || name === '') throw malformed('"name" must be a string that is not empty', name);
    if (typeof uuid !== 'string' || uuid === '') throw malformed('"uuid" must be a string that is not empty', uuid);
    const args = decodeArguments(content.args, name);
    return { uuid, name, args, headers: message.properties.headers };
  },

  identify(message: Message): { uuid?: string; name?: string } {
    try {
      const { uuid, name } = parseBody(message.body);
      return { uuid: nonEmptyString(uuid), name: nonEmptyString(name) };
    } catch {
      return {};
    }
  },
};

function nonEmptyString(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function encodeArguments(args: readonly TaskArgument[]): string {
  if (args.length === 0) return 'null';
  let text = '';
  for (const { type, value } of args) {
    text += `${text === '' ? '[' : ','}{"type":"${type}","value":${type.startsWith('[]') ? encodeList(value as unknown[]) : encodeValue(value)}}`;
  }
  return `${text}]`;
}

function encodeValue(value: unknown): string {
  switch (typeof value) {
    case 'bigint': return value.toString();
    case 'number': return Object.is(value, -0) ? '-0' : String(value);
    case 'object': return encodeStructure(value);
    default: return JSON.stringify(value);
  }
}

/** Item by item: `JSON.stringify` would lose the sign of zero and refuse a bigint. */
function encodeList(values: readonly unknown[]): string {
  return `[${values.map(encodeValue).join(',')}]`;
}

/** `JSON.stringify` is several times faster, and refuses exactly what needs the other one. */
function encodeStructure(value: object | null): string {
  try {
    return JSON.stringify(value);
  } catch {
    return stringifyLossless(value) as string;
  }
}

function parseBody(body: Buffer): Record<string, unknown> {
  if (body.length === 0) throw new InvalidBodyError('The body is empty; expected a JSON object {"uuid","name","args"}.');
  if (!isUtf8(body)) throw new InvalidBodyError('The body is not UTF-8 text; expected a JSON object {"uuid","name","args"}.', { bytes: body.length });
  const text = body.toString();
  let content: unknown;
  try {
    content = secureJson.parse(text, null, PROTOTYPE_KEYS_ARE_ERRORS);
    if (LONG_NUMBER.test(text)) content = parseLossless(text, null, { parseNumber, onDuplicateKey });
  } catch (error) {
    // A parser that is recursive runs out of stack, which says nothing to whoever reads the dead letter.
    const problem = error instanceof RangeError ? 'it is nested too deeply' : (error as Error).message;
    throw new InvalidBodyError(`The body cannot be read as JSON: ${problem}. It begins with ${display(text)}.`, { bytes: body.length }, error);
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw malformed('the body must be a JSON object {"uuid","name","args"}', content);
  }
  return content as Record<string, unknown>;
}

const PROTOTYPE_KEYS_ARE_ERRORS = { protoAction: 'error', constructorAction: 'error' } as const;

function parseNumber(text: string): number | bigint {
  const value = Number(text);
  return Number.isSafeInteger(value) || !INTEGER.test(text) ? value : BigInt(text);
}

/** The last one wins, as in `JSON.parse` and in Go. */
function onDuplicateKey({ newValue }: { newValue: unknown }): unknown {
  return newValue;
}

/** In place: the list was made by the parser a moment ago and belongs to nobody else. */
function decodeArguments(args: unknown, taskName: string): TaskArgument[] {
  if (args === null || args === undefined) return [];
  if (!Array.isArray(args)) throw malformed('"args" must be a list of {"type","value"}, or null', args);
  for (const argument of args as (TaskArgument | null)[]) {
    if (typeof argument === 'object' && argument !== null && isFloat(argument.type)) argument.value = floatValue(argument.value);
  }
  checkArguments(args as TaskArgument[], taskName);
  for (const argument of args as TaskArgument[]) argument.value = toHandlerValue(argument.type, argument.value);
  return args as TaskArgument[];
}

function isFloat(type: unknown): boolean {
  return type === 'float64' || type === 'float32' || type === '[]float64' || type === '[]float32';
}

/** Go writes the float 1e17 as a plain integer; it is a float all the same. */
function floatValue(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  return Array.isArray(value) ? value.map(floatValue) : value;
}

function malformed(expected: string, found: unknown): InvalidBodyError {
  return new InvalidBodyError(`The body is not a task: ${expected}; found ${display(found)}.`);
}
