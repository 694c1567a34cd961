import type { BadRequestException } from '@nestjs/common';
import type { TaskInput } from 'nestjs-dispatcher';
import { readArgumentValue } from './read-argument-value.js';
import { isList, isObject, malformed, readObject } from './read-json.js';

const EXAMPLE = '{"name":"task_1","args":[{"type":"string","value":"hello"},{"type":"int","value":1}]}';
/** How it is sent. Whether their values make sense is the dispatcher's to say. */
const SENDING = ['delaySeconds', 'eta', 'expiresInSeconds', 'retry', 'result', 'priority', 'unique', 'debounce', 'throttle', 'order'] as const;
const FIELDS = ['name', 'args', 'routingKey', 'headers', 'uuid', ...SENDING];

/**
 * A task from the body of a request. Only its shape is checked here; types, values and sizes are the
 * dispatcher's, which says more about them.
 *
 * @throws BadRequestException (400) that says what to write instead
 */
export function readTask(body: unknown): TaskInput {
  const content = readObject(body, 'a task', EXAMPLE, FIELDS);
  const { name, args, routingKey, headers, uuid } = content;
  if (typeof name !== 'string' || name === '') throw wrong('"name" must be a string that is not empty');
  if (args !== undefined && args !== null && !isList(args)) throw wrong('"args" must be a list of {"type","value"}');
  const task: TaskInput = {
    name,
    args: (args ?? undefined)?.map(readArgument),
    routingKey: optionalText(routingKey, 'routingKey'),
    headers: optionalHeaders(headers),
    uuid: optionalText(uuid, 'uuid'),
  };
  for (const field of SENDING) if (content[field] !== undefined && content[field] !== null) Object.assign(task, { [field]: content[field] });
  return task;
}

function readArgument(argument: unknown, index: number): { type: never; value: unknown } {
  if (!isObject(argument) || typeof argument.type !== 'string' || !('value' in argument)) {
    throw wrong(`argument ${index + 1} must be an object {"type","value"}, "type" being a string`);
  }
  // A type that is not in the list is refused by publish(), whose text has the list.
  return { type: argument.type as never, value: readArgumentValue(argument.type, argument.value) };
}

function optionalText(value: unknown, field: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  throw wrong(`"${field}" must be a string`);
}

function optionalHeaders(value: unknown): TaskInput['headers'] {
  if (value === undefined || value === null) return undefined;
  if (isObject(value)) return value as TaskInput['headers'];
  throw wrong('"headers" must be an object of names and values');
}

function wrong(problem: string): BadRequestException {
  return malformed('a task', problem, EXAMPLE);
}
