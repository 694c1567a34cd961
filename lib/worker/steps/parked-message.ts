import type { Message } from '../../brokers/broker.js';
import { Header } from '../../task/headers.js';
import { stepsHeader } from './turn.js';

/**
 * A message as a text, by which whoever signals its task has it go on. `undefined` where a text cannot say what is beside
 * the body, such as headers of other systems: then the task goes on by the copy that the broker has.
 */
export function messageText({ body, properties }: Message): string | undefined {
  // What an adapter keeps beside the properties, under a symbol, says how they were written and not what they are.
  return isPlain(properties) ? JSON.stringify({ properties, body: body.toString('base64') }) : undefined;
}

/** The message of the wake that follows, as one copy of it. */
export function messageFrom(text: string, wake: number, copy: string): Message {
  const { properties, body } = JSON.parse(text) as { properties: Message['properties']; body: string };
  return { body: Buffer.from(body, 'base64'), properties: { ...properties, headers: { ...properties.headers, [Header.steps]: stepsHeader({ wake, copy }) } } };
}

/** Nothing in it but what JSON has. */
function isPlain(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (value === undefined || value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (Array.isArray(value)) return value.every(isPlain);
  const prototype: unknown = typeof value === 'object' ? Object.getPrototypeOf(value) : undefined;
  return (prototype === Object.prototype || prototype === null) && Object.values(value).every(isPlain);
}
