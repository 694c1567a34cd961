import type { HeaderValue, TaskHeaders } from '../../task/task.js';

/**
 * The most bytes that these headers can take in an AMQP table: a type before each value, a length before
 * each name, string and list, eight bytes for a number.
 */
export function headerBytes(headers: TaskHeaders): number {
  let bytes = 4;
  for (const name of Object.keys(headers)) bytes += 1 + Buffer.byteLength(name) + valueBytes(headers[name]);
  return bytes;
}

function valueBytes(value: HeaderValue | undefined): number {
  if (typeof value === 'string') return 5 + Buffer.byteLength(value);
  if (typeof value === 'number') return 9;
  if (Array.isArray(value)) return value.reduce<number>((bytes, item) => bytes + valueBytes(item), 5);
  return typeof value === 'object' && value !== null ? 1 + headerBytes(value) : 2;
}
