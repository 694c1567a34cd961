import { InvalidTaskError } from '../errors.js';
import { inferType, problemWith } from './argument-types.js';
import { encodeJson, reviveJson, type JsonUse } from './json-form.js';
import { withNative } from './native-value.js';
import type { TaskArgument } from './task.js';

const ARGUMENT: JsonUse = { as: 'an argument of a task', give: 'pass', strict: true };

/**
 * The arguments of `publish(name, ...values)`, each with the type that its value implies. What is undefined at the end is
 * as if it had not been given.
 *
 * @throws InvalidTaskError
 */
export function inferArguments(values: readonly unknown[]): TaskArgument[] {
  let count = values.length;
  while (count > 0 && values[count - 1] === undefined) count--;
  const args: TaskArgument[] = [];
  for (let index = 0; index < count; index++) {
    const isForm = mayNeedForm(values[index]);
    const value = isForm ? formOf(values[index], `Argument ${index + 1}`) : values[index];
    if (value === undefined) throw undefinedBetween(index);
    const argument = { type: inferType(value), value };
    args.push(isForm ? withNative(argument, values[index]) : argument);
  }
  return args;
}

/** An argument of the type `json` in its JSON form, where it is not plain data already; `problem` where it has none. */
export function withJsonForm({ type, value }: TaskArgument): { readonly argument: TaskArgument } | { readonly problem: string } {
  const form = jsonForm(value);
  if ('problem' in form) return form;
  const problem = problemWith(type, form.value);
  return problem === undefined ? { argument: withNative({ type, value: form.value }, value) } : { problem };
}

/** What a value is once it has travelled. Plain data in it is copied. */
function jsonForm(value: unknown): { readonly value: unknown } | { readonly problem: string } {
  const encoded = encodeJson(value, ARGUMENT);
  return 'problem' in encoded ? encoded : { value: reviveJson(JSON.parse(encoded.text)) };
}

function formOf(value: unknown, which: string): unknown {
  const form = jsonForm(value);
  if ('problem' in form) throw new InvalidTaskError(`${which}: ${form.problem}.`);
  return form.value;
}

/** Its type depends on its JSON form: a `Date` is a text. Lists and plain objects are `json` in any case, and looked at where they are checked. */
function mayNeedForm(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  try {
    if (Array.isArray(value)) return false;
    const prototype: unknown = Object.getPrototypeOf(value);
    return prototype !== Object.prototype && prototype !== null;
  } catch {
    // A proxy that cannot be touched: its form says so.
    return true;
  }
}

function undefinedBetween(index: number): InvalidTaskError {
  return new InvalidTaskError(`Argument ${index + 1} is undefined, and others follow it: JSON has no word for that. Pass null, or the value that is meant. `
    + 'At the end, arguments may be left out.', { index });
}
