import { InvalidTaskError } from '../../errors.js';
import { problemWith, SCALAR_TYPES, toHandlerValue, type ArgumentType } from '../../task/argument-types.js';
import { checkArguments } from '../../task/complete-task.js';
import type { TaskArgument } from '../../task/task.js';
import type { MachineryArgument } from './signature.js';

const BASE_64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const INTEGERS = /^u?int/;

/** As a handler gets them. @throws InvalidTaskError for a type that machinery lacks, or a value that is none of its type */
export function readArguments(args: readonly MachineryArgument[] | null, task: string): TaskArgument[] {
  if (args === null) return [];
  const read = args.map(({ Type, Value }, index): TaskArgument => {
    if (!isMachineryType(Type)) throw new InvalidTaskError(`Task "${task}": argument ${index + 1} has the type "${Type.slice(0, 60)}", which machinery does not have: its types are ${TYPES}.`, { task, index, type: Type.slice(0, 60) });
    const type = ourType(Type);
    return { type, value: readValue(type, Value) };
  });
  checkArguments(read, task);
  for (const argument of read) argument.value = toHandlerValue(argument.type, argument.value);
  return read;
}

/** @param known how those looked that it came with @throws InvalidTaskError for the type `json`, which machinery lacks */
export function writeArguments(args: readonly TaskArgument[], task: string, known: readonly MachineryArgument[] | null = null): MachineryArgument[] | null {
  if (args.length === 0) return null;
  return args.map(({ type, value }, index) => {
    if (type === 'json') throw new InvalidTaskError(`Task "${task}": argument ${index + 1} is of the type json, which machinery does not have. Pass scalars, lists of one scalar type, or a text, JSON.stringify(it).`, { task, index, type });
    const { Name, Type } = known?.[index] ?? { Name: '', Type: type };
    return { Name, Type: ourType(Type) === type ? Type : type, Value: type === '[]uint8' ? Buffer.from(value as number[]).toString('base64') : value };
  });
}

/**
 * What a handler returned, as arguments of the task that follows: integers are `int64`, other numbers `float64`, a `Buffer`
 * is `[]byte`; nothing is no argument.
 *
 * @returns a text where machinery has no type for it: as what follows "it returned"
 */
export function resultArguments(value: unknown): MachineryArgument[] | string {
  if (value === undefined || value === null) return [];
  if (value instanceof Uint8Array) return [{ Name: '', Type: '[]byte', Value: Buffer.from(value).toString('base64') }];
  if (!Array.isArray(value)) {
    const type = resultType([value]);
    return type === undefined ? UNTYPED : [{ Name: '', Type: type, Value: value }];
  }
  if (value.length === 0) return 'an empty list, of which nobody can know the type';
  const type = resultType(value);
  return type === undefined ? UNTYPED : [{ Name: '', Type: `[]${type}`, Value: value }];
}

const TYPES = `${SCALAR_TYPES.join(' ')}, [] before one of them, and []byte`;
const UNTYPED = 'what is no text, truth value, number, Buffer or list of one kind of them';
const RESULT_TYPES = ['string', 'bool', 'int64', 'uint64', 'float64'] as const satisfies readonly ArgumentType[];

function resultType(values: readonly unknown[]): (typeof RESULT_TYPES)[number] | undefined {
  return RESULT_TYPES.find((type) => values.every((value) => problemWith(type, value) === undefined));
}

function isMachineryType(type: string): boolean {
  return type === '[]byte' || (SCALAR_TYPES as readonly string[]).includes(type.startsWith('[]') ? type.slice(2) : type);
}

function ourType(type: string): ArgumentType {
  return (type === '[]byte' ? '[]uint8' : type) as ArgumentType;
}

function readValue(type: ArgumentType, value: unknown): unknown {
  if (!type.startsWith('[]')) return INTEGERS.test(type) ? value : floatValue(type, value);
  if (value === null) return [];
  if (type === '[]uint8' && typeof value === 'string') return BASE_64.test(value) ? [...Buffer.from(value, 'base64')] : value;
  return Array.isArray(value) ? value.map((item) => floatValue(type.slice(2), item)) : value;
}

/** Go writes the float 1e17 as a plain integer; it is a float all the same. */
function floatValue(type: string, value: unknown): unknown {
  return typeof value === 'bigint' && type.startsWith('float') ? Number(value) : value;
}
