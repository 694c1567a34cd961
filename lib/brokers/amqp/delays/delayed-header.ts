import { Header, republishableHeaders } from '../../../task/headers.js';
import type { Message } from '../../broker.js';

/** What travels with a message through the ladder when a routing key is to decide at its end. */
export interface Delayed {
  /** Milliseconds since 1970. */
  readonly due: number;
  readonly routingKey: string;
  /** How often its queue has refused it since it was due. */
  readonly tries: number;
}

export function withDelayed(message: Message, delayed: Delayed): Message {
  const { properties } = message;
  return { body: message.body, properties: { ...properties, headers: { ...properties.headers, [Header.delayed]: JSON.stringify(delayed) } } };
}

/** The message as it was, without what the way through the ladder has left on it. */
export function withoutDelayed({ body, properties }: Message): Message {
  const headers = republishableHeaders(properties.headers);
  delete headers[Header.delayed];
  return { body, properties: { ...properties, headers } };
}

/** `undefined` for a message that never came through our ladder: anybody can publish to a queue. */
export function readDelayed({ properties }: Message): Delayed | undefined {
  const text = properties.headers?.[Header.delayed];
  if (typeof text !== 'string') return undefined;
  try {
    const { due, routingKey, tries } = JSON.parse(text) as Partial<Record<keyof Delayed, unknown>>;
    if (typeof due !== 'number' || typeof routingKey !== 'string') return undefined;
    return { due, routingKey, tries: typeof tries === 'number' && tries >= 0 ? tries : 0 };
  } catch {
    return undefined;
  }
}
