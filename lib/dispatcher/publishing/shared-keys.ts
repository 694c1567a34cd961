import { createHash } from 'node:crypto';

/** Stores take short keys only; whoever looks at one may still want to read it. */
const LONGEST_READABLE_KEY = 150;

/** The unique key of a task in the shared state. */
export function uniqueKey(exchange: string, name: string, text: string): string {
  return storedKey('unique', exchange, name, text);
}

/** The key of the window that a task shares. */
export function edgeKey(exchange: string, name: string, text: string): string {
  return storedKey('edge', exchange, name, text);
}

/** The key of the line that a task stands in. */
export function orderKey(exchange: string, name: string, text: string): string {
  return storedKey('order', exchange, name, text);
}

function storedKey(kind: string, exchange: string, name: string, text: string): string {
  const whole = `${kind}:${exchange}:${name}:${text}`;
  return whole.length <= LONGEST_READABLE_KEY ? whole : `${kind}:${createHash('sha256').update(whole).digest('base64url')}`;
}
