import { inferType } from '../task/argument-types.js';
import type { TaskArgument } from '../task/task.js';

/**
 * A predecessor's result as an argument: string, bool, int, float64 and int64 by its value, everything else `json`.
 * Nothing (`undefined`) is `null`, also within lists, so that the other arguments keep their places.
 */
export function argumentOf(result: unknown): TaskArgument {
  const value = withoutUndefined(result);
  return { type: inferType(value), value };
}

function withoutUndefined(value: unknown): unknown {
  if (value === undefined) return null;
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined).map(([key, item]) => [key, withoutUndefined(item)]));
}
