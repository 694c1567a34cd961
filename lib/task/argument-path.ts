import type { ArgumentKey } from './argument-key.js';
import { invalidArguments } from './argument-schema.js';
import { display } from './argument-types.js';

/**
 * The key of these arguments, as text. `null` and what is not there are no key.
 *
 * @param option for the error: `batch.by`
 * @throws InvalidArgumentsError where it is neither a text, a number nor a boolean; or what a function throws
 */
export function keyOfArguments(key: ArgumentKey, args: readonly unknown[], { task, option }: { readonly task: string; readonly option: string }): string | undefined {
  const found: unknown = typeof key === 'function' ? key(args) : valueAt(key, args);
  if (found === undefined || found === null) return undefined;
  if (typeof found === 'string') return found;
  if (typeof found === 'number' || typeof found === 'bigint' || typeof found === 'boolean') return String(found);
  throw invalidArguments(task, [`${option} ${typeof key === 'function' ? 'gives' : `"${key}" leads to`} ${display(found)}; a key is a text, a number, true or false`]);
}

function valueAt(path: string, args: readonly unknown[]): unknown {
  const parts = path.split('.');
  let value: unknown = args;
  for (const part of isPosition(parts[0]) ? parts : ['0', ...parts]) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return value;
}

function isPosition(part: string | undefined): boolean {
  return part !== undefined && /^\d+$/.test(part);
}
