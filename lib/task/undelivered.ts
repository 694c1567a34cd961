import { Header, republishableHeaders } from './headers.js';
import type { TaskHeaders } from './task.js';

/** Where a broker keeps what was delayed and could not be delivered when it was due. @publicApi */
export function undeliveredQueueOf(exchange: string): string {
  return `${exchange}.undelivered`;
}

/** @publicApi */
export interface Undelivered {
  /** Empty: it was for the queue of the name `routingKey` alone. */
  readonly exchange: string;
  readonly routingKey: string;
  /** Why, and what to do. */
  readonly problem: string;
  readonly at: Date;
}

/**
 * The headers of an undelivered task: like a dead letter's, with the reason `undelivered`. Where it was for one queue, as
 * a retry is, that is the queue that it died in; where it was published first, it says already.
 *
 * @publicApi
 */
export function undeliveredHeaders(headers: TaskHeaders | undefined, { exchange, routingKey, problem, at }: Undelivered): TaskHeaders {
  const kept = republishableHeaders(headers);
  delete kept[Header.delayed];
  const isForOne = exchange === '';
  return {
    ...kept,
    [Header.originExchange]: isForOne ? kept[Header.originExchange] ?? exchange : exchange,
    [Header.originRoutingKey]: isForOne ? kept[Header.originRoutingKey] ?? routingKey : routingKey,
    ...(isForOne ? { [Header.deadQueue]: routingKey } : {}),
    [Header.deadReason]: 'undelivered',
    [Header.deadError]: problem,
    [Header.deadAt]: at.toISOString(),
  };
}

/** What the log says of it. */
export function undeliveredWarning(messageId: string | undefined, exchange: string, problem: string): string {
  return `Task ${messageId ?? '(no id)'} was delayed and could not be delivered; it is in the queue "${undeliveredQueueOf(exchange)}". ${problem}`;
}
