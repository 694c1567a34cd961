import { stringify as stringifyLossless } from 'lossless-json';
import { SCALAR_TYPES, toHandlerValue } from '../task/argument-types.js';
import { checkArguments } from '../task/complete-task.js';
import type { Task, TaskArgument } from '../task/task.js';
import type { ArrivedMessage, EncodedTask, Format } from './format.js';
import { isObject, malformed, nonEmptyString, readJsonObject } from './read-json.js';

const CONTENT_TYPE = 'application/json';

const KEYS = '{"uuid","name","args"}';
/** As gofort and this library write it: who begins so needs no closer look where nothing else is expected. */
const BEGINNING = Buffer.from('{"uuid":"');

/**
 * The body of gofort/dispatcher: `{"uuid","name","args":[{"type","value"}]}`, `args` being `null` when
 * the task has none. Headers travel as AMQP headers, the uuid also as message id (Go ignores it).
 * Source: gofort/dispatcher, commit af19a5a, task encoding.
 */
export const gofortFormat: Format = {
  name: 'gofort',
  contentType: CONTENT_TYPE,

  encode(task: Task): EncodedTask {
    const text = beginningOf(task) + encodeArguments(task.args) + '}';
    return {
      body: Buffer.from(text),
      properties: { contentType: CONTENT_TYPE, messageId: task.uuid, headers: task.headers },
    };
  },

  decode(message: ArrivedMessage): Task {
    const content = readJsonObject(message.body, KEYS);
    const { uuid, name } = content;
    if (typeof name !== 'string' || name === '') throw malformed('"name" must be a string that is not empty', name);
    if (typeof uuid !== 'string' || uuid === '') throw malformed('"uuid" must be a string that is not empty', uuid);
    const args = decodeArguments(content.args, name);
    return { uuid, name, args, headers: message.properties.headers };
  },

  identify(message: ArrivedMessage): { uuid?: string; name?: string } {
    try {
      const { uuid, name } = readJsonObject(message.body, KEYS);
      return { uuid: nonEmptyString(uuid), name: nonEmptyString(name) };
    } catch {
      return {};
    }
  },

  /** Strictly: an event of somebody's may have a uuid and a name too. */
  recognises(_message: ArrivedMessage, content: () => unknown): boolean {
    const body = content();
    return isObject(body) && nonEmptyString(body.uuid) !== undefined && nonEmptyString(body.name) !== undefined
      && (body.args === null || (Array.isArray(body.args) && body.args.every((argument) => isObject(argument) && typeof argument.type === 'string')));
  },
};

/** Whether it begins as every task of gofort and of this library does. */
export function beginsAsGofort(body: Buffer): boolean {
  if (body.length <= BEGINNING.length) return false;
  // For so few bytes a call out of JavaScript takes longer than all of them.
  for (let at = 0; at < BEGINNING.length; at++) if (body[at] !== BEGINNING[at]) return false;
  return true;
}

/** What needs no escape in JSON, as nearly every uuid. */
const PLAIN = /^[\w-]+$/;
/** What stands between a uuid and the arguments, by the names of tasks; of few names, or made anew now and then. */
const beforeArguments = new Map<string, string>();
const MOST_NAMES = 1_000;

/** In as few pieces as can be: each text that is put together of two is an object. */
function beginningOf({ uuid, name }: Task): string {
  let middle = beforeArguments.get(name);
  if (middle === undefined) {
    middle = `,"name":${JSON.stringify(name)},"args":`;
    if (beforeArguments.size >= MOST_NAMES) beforeArguments.clear();
    beforeArguments.set(name, middle);
  }
  return PLAIN.test(uuid) ? `{"uuid":"${uuid}"${middle}` : `{"uuid":${JSON.stringify(uuid)}${middle}`;
}

/** What stands before the value of an argument, by its type, of which there is a closed list. */
const beforeValue = new Map<string, string>(['json', ...SCALAR_TYPES.flatMap((type) => [type, `[]${type}`])].map((type) => [type, `{"type":"${type}","value":`]));

function encodeArguments(args: readonly TaskArgument[]): string {
  if (args.length === 0) return 'null';
  let text = '[';
  for (let index = 0; index < args.length; index++) {
    const { type, value } = args[index] as TaskArgument;
    text += (beforeValue.get(type) ?? `{"type":"${type}","value":`) + (type.startsWith('[]') ? encodeList(value as unknown[]) : encodeValue(value)) + (index + 1 === args.length ? '}]' : '},');
  }
  return text;
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
