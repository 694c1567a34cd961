import { InvalidTaskError } from '../errors.js';
import { withJsonForm } from './argument-form.js';
import { display, problemWith } from './argument-types.js';
import { edgeRequest } from './edge.js';
import { messageOf } from './error-text.js';
import { Header } from './headers.js';
import type { FormatName } from './format-name.js';
import type { IdentifiedTask } from './id-maker.js';
import { checkOptions, unknownOption } from './options.js';
import { anything, trueOrFalse, wholeWithin, type OptionKind } from './option-kinds.js';
import { PRIORITIES, type Level } from './priority.js';
import { levelKeyOf } from './queue-lines.js';
import type { OrderMark } from './order-options.js';
import { checkRetryPolicy, RETRY_OPTIONS, type RetryOptions } from './retry-policy.js';
import type { AddressedTask, SendOptions, TaskArgument, TaskHeaders, TaskInput } from './task.js';
import { encodeUniqueMark, uniqueMark } from './unique.js';
import type { UniqueMark, UniqueOptions } from './unique-options.js';
import { orderHeaders, orderMark } from './order.js';
import { timingOf, type Timing } from './timing.js';

/** AMQP short strings (message id, routing key) hold at most 255 bytes. */
const SHORT_STRING_BYTES = 255;

/** Header names that belong to this library; a caller may not set them. */
const RESERVED_HEADER_PREFIX = 'x-dispatcher-';

/** What {@link completeTask} fills in where the caller left a gap. */
export interface TaskDefaults {
  routingKey: string;
  /** Where tasks of this name belong. `undefined`: they go by `routingKey`. */
  routeOf?: ((name: string) => string | undefined) | undefined;
  /** The newest version of the task that is known here. `undefined`, and by default: 1. */
  versionOf?: ((name: string) => number | undefined) | undefined;
  newUuid(): string;
  /** The uuid of a task that is given none. Default: `newUuid`. */
  idOf?: ((task: IdentifiedTask) => string) | undefined;
  /** The key in the shared state for what may be there once among tasks of a name. Default: none can be. */
  uniqueKey?: (name: string, text: string) => string;
  /** The same for the window that tasks of a name share. */
  edgeKey?: (name: string, text: string) => string;
  /** The same for the line that tasks of a name stand in. */
  orderKey?: (name: string, text: string) => string;
  /** Milliseconds since 1970. */
  now(): number;
}

/**
 * Checks a task as the caller wrote it and fills in what is missing. After this the task can be
 * encoded: nothing later on may find fault with its content.
 *
 * @throws InvalidTaskError that names the task, the argument and what to write instead.
 */
export function completeTask(input: TaskInput, defaults: TaskDefaults): AddressedTask {
  if (typeof input !== 'object' || input === null) {
    throw new InvalidTaskError(`Expected a task { name, args?, uuid?, routingKey?, headers? }, found ${display(input)}.`);
  }
  const name = checkName(input.name);
  const routingKey = input.routingKey === undefined ? defaults.routeOf?.(name) ?? defaults.routingKey : shortString(input.routingKey, 'routingKey', name);
  const args = input.args === undefined ? [] : formedArguments(input.args, name);
  const uuid = input.uuid === undefined ? idFor(name, args, defaults) : shortString(input.uuid, 'uuid', name);
  const timing = hasTiming(input) ? timingOf(input, name, defaults.now()) : NO_TIMING;
  const unique = input.unique === undefined || input.unique === false ? undefined : markOf(input.unique, name, args, defaults);
  const edge = input.debounce === undefined && input.throttle === undefined ? undefined : edgeRequest(input, args, defaults.edgeKey);
  const order = input.order === undefined ? undefined : orderMark(input, args, defaults);
  const level = input.priority === undefined ? undefined : checkPriority(input.priority, name);
  if (level !== undefined) shortString(levelKeyOf(routingKey, level), 'routingKey with its priority', name);
  const version = input.version === undefined ? defaults.versionOf?.(name) ?? 1 : checkVersion(input.version, name);
  const headers = completeHeaders(input, name, timing, level, unique, version);
  const task: AddressedTask = headers === undefined ? { uuid, name, args, routingKey } : { uuid, name, args, routingKey, headers };
  if (timing.dueAt !== undefined) task.dueAt = timing.dueAt;
  if (level !== undefined) task.level = level;
  if (unique !== undefined) task.unique = unique;
  if (edge !== undefined) task.edge = edge;
  if (order !== undefined) addOrder(task, order);
  if (input.format !== undefined) task.format = checkFormat(input.format, name);
  if (input.compress !== undefined) task.compress = checkKind(input.compress, 'compress', WAY, name);
  if (input.encrypt !== undefined) task.encrypt = checkKind(input.encrypt, 'encrypt', trueOrFalse, name);
  if (input.kwargs !== undefined) addNamedArguments(task, input.kwargs);
  return task;
}

function addOrder(task: AddressedTask, order: OrderMark): void {
  task.order = order;
  task.headers = { ...task.headers, ...orderHeaders(order) };
}

function idFor(name: string, args: readonly TaskArgument[], defaults: TaskDefaults): string {
  return defaults.idOf === undefined ? defaults.newUuid() : shortString(defaults.idOf({ name, args }), 'the uuid that ids has made', name);
}

/** Whether there is one of this name, the publisher knows. */
function checkFormat(format: unknown, task: string): FormatName {
  if (typeof format === 'string' && format !== '') return format;
  throw new InvalidTaskError(`Task "${task}": format must be the name of a format, such as 'machinery'; found ${display(format)}.`, { task, field: 'format' });
}

/** Of compressing: whether there is one of this name, the publisher knows. */
const WAY: OptionKind = { expected: "true, false or the name of a compression such as 'br'", fits: (value) => typeof value === 'boolean' || (typeof value === 'string' && value !== '') };

function checkKind<Value>(value: Value, field: string, kind: OptionKind, task: string): Value {
  if (kind.fits(value)) return value;
  throw new InvalidTaskError(`Task "${task}": ${field} must be ${kind.expected}; found ${display(value)}.`, { task, field });
}

/** The arguments are the caller's own list: it is not added to. */
function addNamedArguments(task: AddressedTask, kwargs: unknown): void {
  if (typeof kwargs !== 'object' || kwargs === null || Array.isArray(kwargs)) {
    throw new InvalidTaskError(`Task "${task.name}": kwargs must be an object of names and values; found ${display(kwargs)}.`, { task: task.name, field: 'kwargs' });
  }
  if (Object.keys(kwargs).length === 0) return;
  task.args = formedArguments([...task.args, { type: 'json', value: kwargs }], task.name);
  task.hasKwargs = true;
}

/** Their values are checked where the task is completed. */
const SEND_OPTIONS = {
  routingKey: anything, headers: anything, retry: anything, result: anything, delaySeconds: anything, eta: anything,
  expiresInSeconds: anything, priority: anything, unique: anything, debounce: anything, throttle: anything, order: anything, version: anything, format: anything, compress: anything, encrypt: anything,
} as const satisfies Record<keyof SendOptions, unknown>;

export function isSendOption(name: string): boolean {
  return Object.hasOwn(SEND_OPTIONS, name);
}
const TASK_FIELDS: ReadonlySet<string> = new Set(Object.keys({ name: anything, args: anything, kwargs: anything, uuid: anything, ...SEND_OPTIONS } satisfies Record<keyof TaskInput, unknown>));

/**
 * What a caller has written beside the fields of a task was meant to have an effect. Called for each published task:
 * nothing is made on the way.
 *
 * @throws InvalidTaskError
 */
export function refuseUnknownFields(input: TaskInput): void {
  for (const field in input) {
    if (TASK_FIELDS.has(field)) continue;
    throw new InvalidTaskError(unknownOption(`Task "${String(input.name)}"`, field, [...TASK_FIELDS]), { task: input.name, option: field });
  }
}

/** How all tasks of a client are sent. @throws InvalidTaskError */
export function checkSendOptions(options: SendOptions | undefined, of: string): SendOptions {
  return checkOptions<SendOptions>(options, SEND_OPTIONS, { of, example: '{ delaySeconds: 5 }', Refusal: InvalidTaskError });
}

const NO_TIMING: Timing = {};
/** Of a task, from 1. */
export const VERSION = wholeWithin(1, 1_000_000);

function hasTiming({ delaySeconds, eta, expiresInSeconds }: TaskInput): boolean {
  return delaySeconds !== undefined || eta !== undefined || expiresInSeconds !== undefined;
}

/** The caller's headers, and in ours what else travels with the task. */
function completeHeaders(
  { headers, retry, result }: TaskInput, name: string, { dueAt, expiresAt }: Timing, level: Level | undefined, unique: UniqueMark | undefined, version: number,
): TaskHeaders | undefined {
  const checked = headers === undefined ? undefined : checkHeaders(headers, name);
  if (retry === undefined && result === undefined && dueAt === undefined && expiresAt === undefined && level === undefined && unique === undefined && version === 1) return checked;
  const completed: TaskHeaders = { ...checked };
  if (retry !== undefined) completed[Header.retry] = encodeRetry(retry, name);
  if (result !== undefined && typeof result !== 'boolean') throw new InvalidTaskError(`Task "${name}": result must be true or false; found ${display(result)}.`, { task: name });
  if (result === true) completed[Header.result] = true;
  if (dueAt !== undefined) completed[Header.due] = dueAt;
  if (expiresAt !== undefined) completed[Header.expires] = expiresAt;
  if (level !== undefined) completed[Header.priority] = level;
  // A task of version 1 looks like one of whoever knows no versions.
  if (version !== 1) completed[Header.version] = version;
  if (unique !== undefined) completed[Header.unique] = encodeUniqueMark(unique);
  return completed;
}

function checkVersion(version: unknown, task: string): number {
  if (VERSION.fits(version)) return version as number;
  throw new InvalidTaskError(`Task "${task}": version must be ${VERSION.expected}; found ${display(version)}.`, { task, version });
}

function checkPriority(priority: unknown, task: string): Level | undefined {
  if (priority === 'normal') return undefined;
  if (priority === 'high' || priority === 'low') return priority;
  throw new InvalidTaskError(`Task "${task}": priority must be one of ${PRIORITIES.join(', ')}; found ${display(priority)}.`, { task, priority });
}

function markOf(options: UniqueOptions, name: string, args: readonly TaskArgument[], defaults: TaskDefaults): UniqueMark {
  if (defaults.uniqueKey === undefined) throw new InvalidTaskError(`Task "${name}" cannot be unique here: what comes back from the dead letters is published as it was.`, { task: name });
  return uniqueMark(options, name, args, defaults.uniqueKey, defaults.newUuid());
}

function encodeRetry(retry: RetryOptions, task: string): string {
  if (typeof retry !== 'object' || retry === null) throw new InvalidTaskError(`Task "${task}": retry must be an object such as { attempts: 5 }; found ${display(retry)}.`, { task });
  const unknown = Object.keys(retry).find((option) => !(RETRY_OPTIONS as readonly string[]).includes(option));
  if (unknown !== undefined) throw new InvalidTaskError(unknownOption(`Task "${task}": retry`, unknown, RETRY_OPTIONS), { task, option: unknown });
  checkRetryPolicy(retry, `Task "${task}"`);
  const functions = Object.entries(retry).filter(([, value]) => typeof value === 'function').map(([field]) => field);
  if (functions.length > 0) {
    throw new InvalidTaskError(`Task "${task}": retry.${functions.join(', retry.')} is a function and cannot travel. `
      + "Give it to the handler's @Task(name, { retry }) instead.", { task, functions });
  }
  return JSON.stringify(retry);
}

/** @throws InvalidTaskError where `args` is not a list of `{ type, value }` that fit. */
export function checkArguments(args: readonly TaskArgument[], taskName: string): void {
  requireList(args, taskName);
  for (let index = 0; index < args.length; index++) {
    const problem = problemOf(args[index]);
    if (problem !== undefined) throw argumentError(taskName, index, args[index]?.type, problem);
  }
}

/** The very same list where all of it can travel as it is; otherwise a copy, with what is not plain data in its JSON form. */
export function formedArguments(args: TaskArgument[], taskName: string): TaskArgument[] {
  requireList(args, taskName);
  let formed = args;
  for (let index = 0; index < args.length; index++) {
    const argument = args[index];
    const problem = problemOf(argument);
    if (problem === undefined) continue;
    const form = argument?.type === 'json' ? withJsonForm(argument) : { problem };
    if ('problem' in form) throw argumentError(taskName, index, argument?.type, form.problem);
    if (formed === args) formed = [...args];
    formed[index] = form.argument;
  }
  return formed;
}

function requireList(args: unknown, task: string): void {
  if (!Array.isArray(args)) throw new InvalidTaskError(`Task "${task}": args must be a list of { type, value }, found ${display(args)}.`, { task });
}

/** A value may throw when it is looked at. */
function problemOf(argument: TaskArgument | null | undefined): string | undefined {
  if (typeof argument !== 'object' || argument === null) return `expected { type, value }, found ${display(argument)}`;
  try {
    return problemWith(argument.type, argument.value);
  } catch (error) {
    return `it cannot be read: ${messageOf(error)}`;
  }
}

function argumentError(task: string, index: number, type: unknown, problem: string): InvalidTaskError {
  const typeText = typeof type === 'string' ? ` (type ${type.slice(0, 40)})` : '';
  return new InvalidTaskError(`Task "${task}": argument ${index + 1}${typeText}: ${problem}.`, { task, index, type });
}

function checkName(name: unknown): string {
  if (typeof name === 'string' && name !== '') return name;
  throw new InvalidTaskError(`A task needs a name, the one in its handler's @Task('name'); found ${display(name)}.`);
}

function shortString(value: unknown, field: string, task: string): string {
  if (typeof value !== 'string' || value === '') {
    throw new InvalidTaskError(`Task "${task}": ${field} must be a string that is not empty, found ${display(value)}; leave it out for the default.`,
      { task, field });
  }
  if (value.length > SHORT_STRING_BYTES / 4 && Buffer.byteLength(value) > SHORT_STRING_BYTES) {
    throw new InvalidTaskError(`Task "${task}": ${field} has ${Buffer.byteLength(value)} bytes; AMQP allows ${SHORT_STRING_BYTES}. Shorten it.`,
      { task, field });
  }
  return value;
}

function checkHeaders(headers: TaskHeaders, task: string): TaskHeaders {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) {
    throw new InvalidTaskError(`Task "${task}": headers must be an object of names and values, found ${display(headers)}.`, { task });
  }
  for (const name of Object.keys(headers)) {
    if (name.startsWith(RESERVED_HEADER_PREFIX)) {
      throw new InvalidTaskError(`Task "${task}": header "${name}" is reserved (names beginning with ${RESERVED_HEADER_PREFIX}); choose another name.`,
        { task, header: name });
    }
    if (Buffer.byteLength(name) > SHORT_STRING_BYTES) {
      throw new InvalidTaskError(`Task "${task}": the header name "${name.slice(0, 40)}..." is longer than ${SHORT_STRING_BYTES} bytes; shorten it.`, { task });
    }
    const problem = problemWith('json', headers[name]);
    if (problem !== undefined || typeof headers[name] === 'bigint') {
      throw new InvalidTaskError(`Task "${task}": header "${name}": ${problem ?? 'a bigint cannot travel in a header; pass it as a string'}.`,
        { task, header: name });
    }
  }
  return headers;
}
