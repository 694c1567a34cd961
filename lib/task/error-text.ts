import { DispatcherError } from '../errors.js';

/**
 * What users throw, return and hand over, read and put into words. A value of theirs may throw at every touch: a getter,
 * `toString`, `instanceof` on a proxy. Nothing here throws, and no text is longer than {@link LONGEST_TEXT}.
 */
const LONGEST_TEXT = 8 * 1024;
const LONGEST_STACK = 16 * 1024;

/** As `instanceof`, which a proxy can make throw. */
export function isA<T>(value: unknown, kind: abstract new (...args: never[]) => T): value is T {
  try {
    return value instanceof kind;
  } catch {
    return false;
  }
}

/** One property, or `undefined` where it cannot be read. */
export function propertyOf(value: unknown, name: string): unknown {
  try {
    return (value as Record<string, unknown> | null | undefined)?.[name];
  } catch {
    return undefined;
  }
}

/** As `Array.isArray`, which throws at a proxy that was revoked. */
export function isList(value: unknown): value is readonly unknown[] {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}

/** As `String(value)`. */
export function textOf(value: unknown): string {
  try {
    return shortened(String(value), LONGEST_TEXT);
  } catch {
    return `${typeof value === 'function' ? 'a function' : 'an object'} without a text`;
  }
}

/** `Name: message` of an error, or the text of whatever was thrown. */
export function errorText(error: unknown): string {
  return isA(error, Error) ? `${errorName(error)}: ${errorMessage(error)}` : textOf(error);
}

/** The message alone. */
export function messageOf(error: unknown): string {
  if (!isA(error, Error)) return textOf(error);
  const message = errorMessage(error);
  return message === '' ? errorName(error) : message;
}

export function errorName(error: Error): string {
  const name = propertyOf(error, 'name');
  return name === undefined ? 'Error' : textOf(name);
}

export function errorMessage(error: Error): string {
  const message = propertyOf(error, 'message');
  return message === undefined ? 'its message cannot be read' : textOf(message);
}

export function stackOf(error: unknown): string | undefined {
  if (!isA(error, Error)) return undefined;
  const stack = propertyOf(error, 'stack');
  return typeof stack === 'string' ? shortened(stack, LONGEST_STACK) : undefined;
}

/** Where a user's code threw. Our own errors say all in their text, and their stack would only show our own insides. */
export function placeOf(error: unknown): string | undefined {
  return isA(error, DispatcherError) ? undefined : stackOf(error);
}

/** An instant for people; what came from elsewhere need not be one. */
export function instantText(instant: number): string {
  const date = new Date(instant);
  return Number.isNaN(date.getTime()) ? `no date (${instant})` : date.toISOString();
}

export function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most)}... (${text.length} characters)`;
}

/** A copy of it alone: a part of a text keeps the whole text in memory for as long as it is kept itself. */
export function detached(text: string): string {
  return Buffer.from(text).toString();
}
