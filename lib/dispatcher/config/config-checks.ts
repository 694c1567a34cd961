import { ConfigurationError } from '../../errors.js';
import { display } from '../../task/argument-types.js';
import { nearestName } from '../../task/nearest-name.js';
import { unknownOption } from '../../task/options.js';

/** Timers of Node end at 2^31 milliseconds; longer ones would fire at once. */
export const MAX_SECONDS = 2_147_483;
/** An AMQP name has at most 255 bytes, and `.dead` must fit behind it. */
const MAX_NAME_BYTES = 250;

type Options = Record<string, unknown>;

/** @throws ConfigurationError unless `value` is an object of options */
export function requireObject(value: unknown, where: string, example: string): asserts value is Options {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return;
  throw new ConfigurationError(`${where} must be an object such as ${example}; found ${display(value)}.`, { option: where });
}

/** @throws ConfigurationError that names the nearest known option */
export function refuseUnknown(options: object, known: readonly string[], where: string): void {
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    throw new ConfigurationError(unknownOption(where, name, known), { option: name, nearest: nearestName(name, known) });
  }
}

/** Of the exchange: the longest name that is made of it, `<exchange>.replies.v1.<uuid>`, has to fit as well. */
export const MAX_EXCHANGE_BYTES = 200;

/** @throws ConfigurationError unless it is a string that is not empty, fits, and reaches the broker as it is */
export function checkName(value: unknown, option: string, example: string, maxBytes = MAX_NAME_BYTES): string {
  if (typeof value !== 'string' || value.trim() === '') {
    throw new ConfigurationError(`${option} is required and must not be empty; found ${display(value)}. Write, for instance, ${example}.`, { option });
  }
  if (Buffer.byteLength(value) > maxBytes) {
    throw new ConfigurationError(`${option} has ${Buffer.byteLength(value)} bytes; at most ${maxBytes} fit. Shorten it.`, { option });
  }
  if (/[\r\n]/.test(value)) {
    throw new ConfigurationError(`${option} has a line break, which RabbitMQ removes without a word: ${display(value)}. Remove it.`, { option });
  }
  return value;
}

/** Of an exchange or a queue. @throws ConfigurationError as {@link checkName}, and for names that RabbitMQ keeps for itself */
export function checkBrokerName(value: unknown, option: string, example: string, maxBytes?: number): string {
  const name = checkName(value, option, example, maxBytes);
  if (!name.startsWith('amq.')) return name;
  throw new ConfigurationError(`${option} is "${name}"; names that begin with "amq." belong to RabbitMQ, which refuses them. Choose another.`, { option });
}

export function checkNames(value: unknown, option: string, example: string): string[] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) {
    throw new ConfigurationError(`${option} must be a list of strings such as [${example}]; found ${display(value)}.`, { option });
  }
  return value.map((item, index) => checkName(item, `${option}[${index}]`, example));
}

export function checkSeconds(value: unknown, option: string, { fallback, positive = false }: { fallback: number; positive?: boolean }): number {
  if (value === undefined) return fallback;
  if (typeof value === 'number' && value >= 0 && value <= MAX_SECONDS && !(positive && value === 0)) return value;
  const range = positive ? `more than 0 and at most ${MAX_SECONDS}` : `from 0 to ${MAX_SECONDS}`;
  throw new ConfigurationError(`${option} must be a number of seconds, ${range}; found ${display(value)}. The default is ${fallback}.`, { option });
}

export function checkCount(value: unknown, option: string, { minimum, fallback }: { minimum: number; fallback: number }): number {
  if (value === undefined) return fallback;
  if (Number.isSafeInteger(value) && (value as number) >= minimum) return value as number;
  throw new ConfigurationError(`${option} must be a whole number of at least ${minimum}; found ${display(value)}. The default is ${fallback}.`, { option });
}

export function checkBoolean(value: unknown, option: string, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (typeof value === 'boolean') return value;
  throw new ConfigurationError(`${option} must be true or false; found ${display(value)}.`, { option });
}

export function checkChoice<T extends string>(value: unknown, option: string, choices: readonly T[], fallback: T): T {
  if (value === undefined) return fallback;
  if (choices.includes(value as T)) return value as T;
  const list = choices.map((choice) => `"${choice}"`).join(', ');
  throw new ConfigurationError(`${option} must be one of ${list}; found ${display(value)}. The default is "${fallback}".`, { option });
}
