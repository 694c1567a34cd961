import { inferType, problemWith, toHandlerValue } from '../task/argument-types.js';
import type { TaskArgument } from '../task/task.js';

/** A value of a format without types as an argument: the type that it has of itself, or `json` where no other takes it. */
export function inferredArgument(value: unknown): TaskArgument {
  const type = inferType(value);
  return problemWith(type, value) === undefined ? { type, value } : { type: 'json', value };
}

/** Whether a value comes back as this type from JSON alone. */
export function isInferred({ type, value }: TaskArgument): boolean {
  if (type === 'json') return value === null || typeof value === 'object';
  const handled = toHandlerValue(type, value);
  if (inferType(handled) !== type) return false;
  // As plain digits the one comes back as a number, and the other as a bigint.
  return typeof handled === 'bigint' ? !Number.isSafeInteger(Number(handled)) : !isLongInteger(handled);
}

function isLongInteger(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value) && /^-?\d+$/.test(String(value));
}
