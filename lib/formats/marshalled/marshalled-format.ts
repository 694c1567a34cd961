import { ConfigurationError, InvalidBodyError, InvalidTaskError } from '../../errors.js';
import { display, problemWith, toHandlerValue, type ArgumentType } from '../../task/argument-types.js';
import { messageOf } from '../../task/error-text.js';
import { nativeOf } from '../../task/native-value.js';
import type { Task, TaskArgument } from '../../task/task.js';
import type { ArrivedMessage, EncodedTask, Format } from '../format.js';
import { isObject, malformed, nonEmptyString } from '../read-json.js';
import type { ArgumentCodec, Marshaller } from './marshaller.js';
import { arrived, arrivedScalar, isRich, portable, portableScalar, ValueProblem } from './portable.js';

/** @publicApi */
export interface MarshalledOptions {
  /** Kinds of values of your own, the first that fits an argument is used. Default: none. */
  readonly codecs?: readonly ArgumentCodec[];
}

interface WireArgument {
  readonly type: ArgumentType;
  readonly value: unknown;
  readonly codec?: string;
}

/**
 * A format that writes tasks by a marshaller: `{ uuid, name, args: [{ type, value, codec? }] }`, as the format `gofort` does in
 * JSON. Dates and bytes in arguments come as such to handlers. For `formats` of the configuration.
 *
 * @throws ConfigurationError
 * @publicApi
 */
export function marshalled(marshaller: Marshaller, { codecs = [] }: MarshalledOptions = {}): Format {
  checkMarshaller(marshaller);
  checkCodecs(codecs);
  const { name, contentType } = marshaller;
  return {
    name, contentType,
    encode: (task) => encode(marshaller, codecs, task),
    decode: (message) => decode(marshaller, codecs, message),
    identify(message) {
      try {
        const { uuid, name: task } = read(marshaller, message.body);
        return { uuid: nonEmptyString(uuid), name: nonEmptyString(task) };
      } catch {
        return {};
      }
    },
    recognises: ({ properties }) => properties.contentType === contentType,
  };
}

function encode(marshaller: Marshaller, codecs: readonly ArgumentCodec[], { uuid, name, args, headers }: Task): EncodedTask {
  const content = { uuid, name, args: args.map((argument, index) => written(argument, codecs, name, index)) };
  const bytes = marshaller.encode(content);
  return { body: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), properties: { contentType: marshaller.contentType, messageId: uuid, headers } };
}

/** @throws InvalidTaskError */
function written(argument: TaskArgument, codecs: readonly ArgumentCodec[], task: string, index: number): WireArgument {
  const value = nativeOf(argument);
  const codec = codecs.find((one) => one.fits(value));
  try {
    if (codec !== undefined) return { type: 'json', value: portable(codec.encode(value)), codec: codec.name };
    if (argument.type === 'json' || isRich(value)) return { type: 'json', value: portable(value) };
    return { type: argument.type, value: portableScalar(argument.type, argument.value) };
  } catch (error) {
    throw argumentError(task, index, codec, error);
  }
}

/** @throws InvalidBodyError, InvalidTaskError */
function decode(marshaller: Marshaller, codecs: readonly ArgumentCodec[], { body, properties }: ArrivedMessage): Task {
  const { uuid, name, args } = read(marshaller, body);
  if (typeof name !== 'string' || name === '') throw malformed('"name" must be a text that is not empty', name);
  if (typeof uuid !== 'string' || uuid === '') throw malformed('"uuid" must be a text that is not empty', uuid);
  if (!Array.isArray(args)) throw malformed('"args" must be a list of {"type","value"}', args);
  return { uuid, name, args: args.map((argument: unknown, index) => readArgument(argument, codecs, name, index)), headers: properties.headers };
}

function read(marshaller: Marshaller, body: Buffer): Record<string, unknown> {
  let content: unknown;
  try {
    content = marshaller.decode(body);
  } catch (error) {
    // A reader that is recursive runs out of stack.
    const problem = error instanceof RangeError && /call stack/i.test(error.message) ? 'it is nested too deeply' : messageOf(error);
    throw new InvalidBodyError(`The body of ${body.length} bytes cannot be read as ${marshaller.contentType}: ${problem}`, { bytes: body.length }, error);
  }
  if (isObject(content)) return content;
  throw malformed('the body must be a map of "uuid", "name" and "args"', content);
}

/** @throws InvalidTaskError */
function readArgument(argument: unknown, codecs: readonly ArgumentCodec[], task: string, index: number): TaskArgument {
  if (!isObject(argument)) throw malformed('each of "args" must be a map of "type" and "value"', argument);
  const { type, value, codec: name } = argument as Partial<WireArgument>;
  const codec = name === undefined ? undefined : codecs.find((one) => one.name === name);
  try {
    if (name !== undefined && codec === undefined) throw new ValueProblem(`there is no codec ${display(name)} here; add it to the codecs of this format`);
    if (codec !== undefined) return { type: 'json', value: codec.decode(arrived(value)) };
    if (type === 'json') return { type, value: arrived(value) };
    return scalar(type as ArgumentType, arrivedScalar(String(type), value));
  } catch (error) {
    throw argumentError(task, index, codec, error);
  }
}

function scalar(type: ArgumentType, value: unknown): TaskArgument {
  const problem = problemWith(type, value);
  if (problem !== undefined) throw new ValueProblem(problem);
  return { type, value: toHandlerValue(type, value) };
}

function argumentError(task: string, index: number, codec: ArgumentCodec | undefined, error: unknown): InvalidTaskError {
  const text = codec === undefined || error instanceof ValueProblem ? messageOf(error) : `the codec "${codec.name}" failed: ${messageOf(error)}`;
  return new InvalidTaskError(`Task "${task}": argument ${index + 1}: ${text.replace(/\.$/, '')}.`, { task, index });
}

/** @throws ConfigurationError */
function checkMarshaller(marshaller: unknown): void {
  const { name, contentType, encode: write, decode: parse } = (isObject(marshaller) ? marshaller : {}) as Partial<Marshaller>;
  if (nonEmptyString(name) !== undefined && nonEmptyString(contentType) !== undefined && typeof write === 'function' && typeof parse === 'function') return;
  throw new ConfigurationError(`A marshaller is an object with name, contentType, encode and decode; found ${display(marshaller)}.`, { option: 'formats' });
}

/** @throws ConfigurationError */
function checkCodecs(codecs: readonly ArgumentCodec[]): void {
  if (!Array.isArray(codecs)) throw new ConfigurationError(`codecs must be a list such as [money]; found ${display(codecs)}.`, { option: 'codecs' });
  const names = new Set<string>();
  for (const codec of codecs as readonly Partial<ArgumentCodec>[]) {
    const { name } = isObject(codec) ? codec : {};
    if (nonEmptyString(name) === undefined || (['fits', 'encode', 'decode'] as const).some((method) => typeof codec[method] !== 'function')) {
      throw new ConfigurationError(`A codec is an object with name, fits, encode and decode; found ${display(codec)}.`, { option: 'codecs' });
    }
    if (names.has(name as string)) throw new ConfigurationError(`Two codecs are named "${name}". Give each a name of its own.`, { option: 'codecs', name });
    names.add(name as string);
  }
}
