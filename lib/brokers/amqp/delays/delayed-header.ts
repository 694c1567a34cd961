import { Header, republishableHeaders } from '../../../task/headers.js';
import type { Address, Message } from '../../broker.js';

/** What travels with a message while it waits. */
export interface Delayed {
  /** Milliseconds since 1970. */
  readonly due: number;
  /** Where it is to be published then. */
  readonly to: Address;
  /** How often its queue has refused it since it was due. */
  readonly tries: number;
  /** Absent where a process of an earlier version has sent it. */
  readonly sent?: Sent | undefined;
}

/** How it was sent on its way to wait, as its sender saw that. */
export interface Sent {
  /** Which sender; of each its clock. */
  readonly by: string;
  /** When, in milliseconds since 1970 by that clock. */
  readonly at: number;
  /** How long of the delay the ladder takes, in milliseconds; the rest is waited by whoever holds it. */
  readonly ladderMs: number;
}

export function withDelayed(message: Message, { due, to, tries, sent }: Delayed): Message {
  const { properties } = message;
  return { body: message.body, properties: { ...properties, headers: { ...properties.headers, [Header.delayed]: JSON.stringify({ due, ...to, tries, ...sent }) } } };
}

/** The message as it was, without what the way to its time has left on it. */
export function withoutDelayed({ body, properties }: Message): Message {
  const headers = republishableHeaders(properties.headers);
  delete headers[Header.delayed];
  return { body, properties: { ...properties, headers } };
}

/** `undefined` for a message that none of us has delayed: anybody can publish to a queue. */
export function readDelayed({ properties }: Message): Delayed | undefined {
  const text = properties.headers?.[Header.delayed];
  if (typeof text !== 'string') return undefined;
  try {
    const { due, queue, routingKey, tries, ...sent } = JSON.parse(text) as Partial<Record<'due' | 'queue' | 'routingKey' | 'tries' | keyof Sent, unknown>>;
    const to = typeof queue === 'string' ? { queue } : typeof routingKey === 'string' ? { routingKey } : undefined;
    if (typeof due !== 'number' || to === undefined) return undefined;
    return { due, to, tries: typeof tries === 'number' && tries >= 0 ? tries : 0, sent: readSent(sent) };
  } catch {
    return undefined;
  }
}

function readSent({ by, at, ladderMs }: Partial<Record<keyof Sent, unknown>>): Sent | undefined {
  return typeof by === 'string' && typeof at === 'number' && typeof ladderMs === 'number' && ladderMs >= 0 ? { by, at, ladderMs } : undefined;
}
