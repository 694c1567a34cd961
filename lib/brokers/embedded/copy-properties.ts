import type { HeaderValue, TaskHeaders } from '../../task/task.js';
import type { MessageProperties } from '../broker.js';

/**
 * Properties of the store's own: neither the sender, nor a consumer that changes what it got, may
 * reach a message that waits.
 */
export function copyProperties(properties: MessageProperties): MessageProperties {
  const copy = { ...properties };
  if (copy.headers !== undefined) copy.headers = copyValue(copy.headers) as TaskHeaders;
  return copy;
}

function copyValue(value: HeaderValue): HeaderValue {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copyValue);
  // By entries, so that a header called __proto__ stays one.
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, copyValue(inner)]));
}
