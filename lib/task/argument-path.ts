import { invalidArguments } from './argument-schema.js';
import { display } from './argument-types.js';
import { answersAtOnce } from './option-kinds.js';

/**
 * Where in the arguments of a task a key stands: `account`, a property of the first argument; `account.id`, one of that;
 * `1` or `1.id`, the second argument or a property of it. Or a function of the arguments. `undefined`: no key.
 *
 * @publicApi
 */
export type ArgumentKey = string | ((args: readonly unknown[]) => string | number | bigint | boolean | undefined);

/** What is wrong with it, as what follows the name of the option; or `undefined`. */
export function argumentKeyProblem(key: unknown): string | undefined {
  const isPath = typeof key === 'string' && key.split('.').every((part) => part !== '');
  if (isPath || answersAtOnce.fits(key)) return undefined;
  return `must be the place of an argument, such as 'account' (of the first one), '1' or '1.id', or a function that answers at once, such as ([order]) => order.account; found ${display(key)}`;
}

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
