import type { MessageProperties } from 'amqplib';
import type { TaskHeaders } from '../../../lib/task/task.js';

/** Of a message, as it was on the wire. */
export function headersOf({ properties }: { readonly properties: Partial<MessageProperties> }): TaskHeaders {
  return properties.headers as TaskHeaders | undefined ?? {};
}

/** A header that is a text, where it is there. */
export function textHeader(carried: { readonly properties: Partial<MessageProperties> }, name: string): string | undefined {
  const value = headersOf(carried)[name];
  return typeof value === 'string' ? value : undefined;
}
