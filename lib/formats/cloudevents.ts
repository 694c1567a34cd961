import { ConfigurationError, InvalidTaskError } from '../errors.js';
import { display, toHandlerValue } from '../task/argument-types.js';
import { checkArguments } from '../task/complete-task.js';
import type { Task, TaskArgument, TaskHeaders } from '../task/task.js';
import type { ArrivedMessage, EncodedTask, Format } from './format.js';
import { goJson } from '../task/go-json.js';
import { inferredArgument, isInferred } from './inferred.js';
import { isObject, malformed, nonEmptyString, readJson, readJsonObject } from './read-json.js';

const STRUCTURED = 'application/cloudevents+json';
const BATCH = 'application/cloudevents-batch+json';
const JSON_TYPE = /^application\/(.*\+)?json(;|$)/i;
const PREFIX = /^cloudEvents[:_]/;
const WRITTEN_PREFIX = 'cloudEvents:';
/** An attribute of ours: `typed`, where the data is a list of `{type, value}`. */
const ARGS = 'dispatcherargs';

/** @publicApi */
export interface CloudEventsOptions {
  /** How configuration calls it. */
  readonly name: string;
  /** Where events come from, a URI reference. Default: `nestjs-dispatcher`. */
  readonly source?: string;
  /** `structured`: the whole event stands in the body; `binary`: its data alone, and its attributes in headers. Both are read. Default: `structured`. */
  readonly mode?: 'structured' | 'binary';
}

/** CloudEvents 1.0 with a source of your own, for `formats` of the configuration. @throws ConfigurationError @publicApi */
export function cloudEventsFormat({ name, source = 'nestjs-dispatcher', mode = 'structured' }: CloudEventsOptions): Format {
  if (nonEmptyString(source) === undefined) throw new ConfigurationError(`The source of cloudEventsFormat must be a URI reference, such as '/orders'; found ${display(source)}.`, { option: 'source' });
  if (mode !== 'structured' && mode !== 'binary') throw new ConfigurationError(`The mode of cloudEventsFormat must be 'structured' or 'binary'; found ${display(mode)}.`, { option: 'mode' });
  const encode = mode === 'binary' ? encodeBinary : encodeStructured;
  return { name, contentType: mode === 'binary' ? 'application/json' : STRUCTURED, encode: (task) => encode(task, source), decode: (message) => decode(message, name), identify, recognises };
}

/** Source: CloudEvents 1.0.2, its JSON format and its binding to AMQP, whose application properties are headers here. */
export const cloudEvents: Format = cloudEventsFormat({ name: 'cloudevents' });
export const binaryCloudEvents: Format = cloudEventsFormat({ name: 'cloudevents-binary', mode: 'binary' });

type Attributes = Record<string, unknown>;

/** One argument that JSON gives back as it is becomes the data; none has no data; anything else is a list of typed arguments. */
function dataOf({ args, arrived }: Task): { readonly data?: unknown; readonly bytes?: string; readonly attributes: Attributes } {
  const [only] = args;
  if (only === undefined) return { attributes: {} };
  const { data_base64: bytes } = (arrived?.envelope ?? {}) as Attributes;
  if (args.length === 1 && typeof bytes === 'string' && only.value === bytes) return { bytes, attributes: {} };
  if (args.length === 1 && isInferred(only)) return { data: only.value, attributes: {} };
  return { data: args.map(({ type, value }) => ({ type, value })), attributes: { [ARGS]: 'typed' } };
}

/** What an event said of itself stays, except its data. */
function attributesOf(task: Task, source: string): Attributes {
  const { [ARGS]: _args, data: _data, data_base64: _bytes, ...known } = (task.arrived?.envelope ?? {}) as Attributes;
  return { specversion: '1.0', source, ...known, id: task.uuid, type: task.name };
}

function encodeStructured(task: Task, source: string): EncodedTask {
  const { data, bytes, attributes } = dataOf(task);
  const { datacontenttype: known, ...all } = { ...attributesOf(task, source), ...attributes };
  const event = { ...all, datacontenttype: data === undefined ? known : jsonType(known), data, data_base64: bytes };
  return { body: Buffer.from(goJson(event)), properties: { contentType: STRUCTURED, messageId: task.uuid, headers: task.headers } };
}

function encodeBinary(task: Task, source: string): EncodedTask {
  const { data, bytes, attributes } = dataOf(task);
  const { datacontenttype: known, ...all } = { ...attributesOf(task, source), ...attributes };
  const headers = Object.fromEntries(Object.entries(all).map(([name, value]) => [`${WRITTEN_PREFIX}${name}`, value as string]));
  return {
    body: bytes === undefined ? Buffer.from(data === undefined ? '' : goJson(data)) : Buffer.from(bytes, 'base64'),
    properties: { contentType: bytes === undefined ? jsonType(known) : nonEmptyString(known), messageId: task.uuid, headers: { ...task.headers, ...headers } },
  };
}

/** That of the event, where it is one of JSON. */
function jsonType(known: unknown): string {
  return typeof known === 'string' && JSON_TYPE.test(known) ? known : 'application/json';
}

function decode(message: ArrivedMessage, format: string): Task {
  const attributes = isBinary(message.properties.headers) ? readBinary(message) : readStructured(message);
  const { id, type, specversion } = attributes;
  const [uuid, name] = [nonEmptyString(id), nonEmptyString(type)];
  if (typeof specversion !== 'string' || !/^1\./.test(specversion)) throw malformed('"specversion" of a CloudEvent must be "1.0"', specversion);
  if (uuid === undefined) throw malformed('"id" of a CloudEvent must be a string that is not empty', id);
  if (name === undefined) throw malformed('"type" of a CloudEvent must be a string that is not empty', type);
  return { uuid, name, args: argumentsOf(attributes, name), headers: message.properties.headers, arrived: { format, envelope: attributes } };
}

/** @throws InvalidBodyError */
function readStructured({ body, properties: { contentType } }: ArrivedMessage): Attributes {
  if (contentType?.startsWith(BATCH) === true) throw malformed('a message must be one CloudEvent; several in one (a batch) are not read', contentType);
  return readJsonObject(body, '{"specversion","id","source","type"}');
}

/** @throws InvalidBodyError */
function readBinary({ body, properties: { headers, contentType } }: ArrivedMessage): Attributes {
  const attributes: Attributes = {};
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (PREFIX.test(name) && name.slice('cloudEvents:'.length) !== '__proto__') attributes[name.slice('cloudEvents:'.length)] = value;
  }
  if (contentType !== undefined) attributes.datacontenttype = contentType;
  if (body.length === 0) return attributes;
  if (contentType === undefined || JSON_TYPE.test(contentType)) return { ...attributes, data: readJson(body, 'the data of a CloudEvent as JSON') };
  return { ...attributes, ...(/^text\//i.test(contentType) ? { data: body.toString() } : { data_base64: body.toString('base64') }) };
}

/** @throws InvalidTaskError */
function argumentsOf({ [ARGS]: form, data, data_base64: bytes }: Attributes, name: string): TaskArgument[] {
  if (form === 'typed') {
    if (!Array.isArray(data)) throw new InvalidTaskError(`Task "${name}": with ${ARGS} "typed" the data must be a list of { type, value }; found ${display(data)}.`, { task: name });
    const args = data.map((argument: unknown) => (isObject(argument) && /float/.test(String(argument.type)) ? { ...argument, value: floats(argument.value) } : argument)) as TaskArgument[];
    checkArguments(args, name);
    return args.map(({ type, value }) => ({ type, value: toHandlerValue(type, value) }));
  }
  if (typeof bytes === 'string') return [{ type: 'string', value: bytes }];
  if (data === undefined) return [];
  const { type, value } = inferredArgument(data);
  return [{ type, value: toHandlerValue(type, value) }];
}

/** A float may be written as a plain integer. */
function floats(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  return Array.isArray(value) ? value.map(floats) : value;
}

function isBinary(headers: TaskHeaders | undefined): boolean {
  return headers !== undefined && Object.keys(headers).some((name) => PREFIX.test(name) && name.endsWith('specversion'));
}

function recognises({ body, properties: { headers, contentType } }: ArrivedMessage, content: () => unknown): boolean {
  if (contentType?.startsWith('application/cloudevents') === true || isBinary(headers)) return true;
  if (!body.includes('"specversion"')) return false;
  const event = content();
  return isObject(event) && typeof event.specversion === 'string' && nonEmptyString(event.id) !== undefined && nonEmptyString(event.type) !== undefined && nonEmptyString(event.source) !== undefined;
}

function identify(message: ArrivedMessage): { uuid?: string; name?: string } {
  try {
    const { id, type } = isBinary(message.properties.headers) ? readBinary({ ...message, body: Buffer.alloc(0) }) : readStructured(message);
    return { uuid: nonEmptyString(id), name: nonEmptyString(type) };
  } catch {
    return {};
  }
}
