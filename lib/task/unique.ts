import { InvalidTaskError } from '../errors.js';
import { display } from './argument-types.js';
import { errorText } from './error-text.js';
import { Header } from './headers.js';
import type { TaskArgument, TaskHeaders } from './task.js';
import { UNIQUE_SCOPES, type UniqueMark, type UniqueOptions, uniqueProblem } from './unique-options.js';

const DEFAULT_SECONDS = 24 * 3600;

/**
 * @param storedKey from a task's name and a text to the key in the shared state
 * @throws InvalidTaskError
 */
export function uniqueMark(options: UniqueOptions, name: string, args: readonly TaskArgument[], storedKey: (name: string, text: string) => string, token: string): UniqueMark {
  const problem = uniqueProblem(options);
  if (problem !== undefined) throw new InvalidTaskError(`Task "${name}": ${problem}.`, { task: name });
  const { key, scope, seconds = DEFAULT_SECONDS, replaceArguments = false } = options;
  const text = key === undefined ? `args:${canonical(args.map(({ value }) => value))}` : `key:${typeof key === 'string' ? key : keyFrom(key, name, args)}`;
  return { key: storedKey(name, text), scope, seconds, token, replace: replaceArguments };
}

/** JSON with sorted keys: equal arguments, equal text. A bigint is the number that it is. */
export function canonical(value: unknown): string {
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, item]) => item !== undefined).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([name, item]) => `${JSON.stringify(name)}:${canonical(item)}`).join(',')}}`;
}

export function encodeUniqueMark(mark: UniqueMark): string {
  return JSON.stringify(mark);
}

/** `undefined` where the task has none, or something that is none. */
export function uniqueMarkOf(headers: Readonly<TaskHeaders>): UniqueMark | undefined {
  const text = headers[Header.unique];
  if (typeof text !== 'string') return undefined;
  try {
    const { key, scope, seconds, token, replace } = JSON.parse(text) as UniqueMark;
    const isOne = typeof key === 'string' && UNIQUE_SCOPES.includes(scope) && typeof seconds === 'number' && seconds > 0 && typeof token === 'string';
    return isOne ? { key, scope, seconds, token, replace } : undefined;
  } catch {
    return undefined;
  }
}

function keyFrom(key: (args: readonly unknown[]) => string, name: string, args: readonly TaskArgument[]): string {
  let made: unknown;
  try {
    made = key(args.map(({ value }) => value));
  } catch (error) {
    throw new InvalidTaskError(`Task "${name}": the function unique.key threw: ${errorText(error)}. It gets the arguments as one list.`, { task: name }, error);
  }
  if (typeof made === 'string' && made !== '') return made;
  throw new InvalidTaskError(`Task "${name}": the function unique.key must return a text that is not empty, found ${display(made)}.`, { task: name });
}
