import { isPlainObject } from '../plain.js';

type Fits = (value: unknown) => boolean;

const text: Fits = (value) => typeof value === 'string' && value !== '';
const anyText: Fits = (value) => typeof value === 'string';
const version: Fits = (value) => Number.isSafeInteger(value) && (value as number) >= 1;
const listOf = (fits: Fits): Fits => (value) => Array.isArray(value) && value.every(fits);
const maybe = (fits: Fits): Fits => (value) => value === undefined || fits(value);

const TASK: Readonly<Record<string, Fits>> = {
  name: text, version, description: maybe(anyText), deprecated: maybe((value) => value === true || anyText(value)), routingKey: text, queue: maybe(text),
  arguments: listOf(isPlainObject), upgradesFrom: maybe(listOf(version)), options: isPlainObject,
};

const ARGUMENT: Readonly<Record<string, Fits>> = { name: maybe(text), required: maybe((value) => typeof value === 'boolean'), types: maybe(listOf(text)) };

/** What is wrong with a task of a contract; what is beside it and unknown was written by a newer version, and is kept. */
export function contractProblem(told: unknown): string | undefined {
  return problemIn(told, TASK);
}

export function argumentProblem(told: unknown): string | undefined {
  return problemIn(told, ARGUMENT);
}

function problemIn(told: unknown, table: Readonly<Record<string, Fits>>): string | undefined {
  if (!isPlainObject(told)) return undefined;
  const wrong = Object.keys(table).find((name) => !table[name]?.(told[name]));
  return wrong === undefined ? undefined : `"${wrong}" is ${told[wrong] === undefined ? 'missing' : 'not what it should be'}`;
}
