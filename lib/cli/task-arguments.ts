import { inferArguments } from '../task/argument-form.js';
import { display, SCALAR_TYPES } from '../task/argument-types.js';
import type { ArgumentType } from '../task/argument-types.js';
import type { TaskArgument } from '../task/task.js';
import { UsageError } from './failures.js';
import { fromJson } from './output/json.js';

const TYPES: readonly string[] = [...SCALAR_TYPES, ...SCALAR_TYPES.map((type) => `[]${type}`), 'json'];
const TYPED = new RegExp(`^(${TYPES.map((type) => type.replace('[]', '\\[\\]')).join('|')}):([^]*)$`);

/**
 * An argument as it is written on a command line: `int64:5` has its type before it; else it is JSON where it can be read as
 * such, and text where it cannot.
 *
 * @throws UsageError
 */
export function taskArgument(text: string): TaskArgument {
  const [, type, value] = TYPED.exec(text) as [string, ArgumentType, string] | null ?? [];
  if (type === undefined || value === undefined) return inferArguments([readable(text)])[0] as TaskArgument;
  if (type === 'string') return { type, value };
  try {
    return { type, value: fromJson(value) };
  } catch {
    throw new UsageError(`${display(value)} cannot be read as ${type}: expected JSON behind "${type}:".`);
  }
}

function readable(text: string): unknown {
  try {
    return fromJson(text);
  } catch {
    return text;
  }
}

/** `[{ "type": "int", "value": 1 }]`, or plain values, whose types are inferred. @throws UsageError */
export function taskArguments(text: string): TaskArgument[] {
  let list: unknown;
  try {
    list = fromJson(text);
  } catch (error) {
    throw new UsageError(`the arguments are not JSON: ${(error as Error).message}`);
  }
  if (!Array.isArray(list)) throw new UsageError('the arguments must be a JSON list, such as [1, "a"] or [{"type":"int64","value":1}].');
  return list.every(isTyped) ? list : inferArguments(list);
}

function isTyped(value: unknown): value is TaskArgument {
  return typeof value === 'object' && value !== null && Object.keys(value).sort().join() === 'type,value' && TYPES.includes((value as TaskArgument).type);
}
