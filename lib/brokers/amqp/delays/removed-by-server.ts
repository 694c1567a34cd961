import { ledgerRecordsOf, ledgerRequestsOf } from '../../../amqp/queue-forms.js';
import { brokerDeaths, headersToStay } from '../../../task/broker-death.js';
import type { Message } from '../../broker.js';

/** What RabbitMQ has taken out of a queue that only we use, because a policy told it to. */
export interface Removed {
  readonly queue: string;
  /** RabbitMQ's word. */
  readonly reason: string;
}

const POLICY_OF: Readonly<Record<string, string>> = { expired: 'message-ttl', delivery_limit: 'delivery-limit', maxlen: 'max-length' };

/** `undefined` where the message came otherwise than by RabbitMQ itself. @param due the queue that it was found in */
export function removedByServer({ properties }: Message, due: string): Removed | undefined {
  const newest = brokerDeaths(properties.headers).find(({ queue }) => queue !== due);
  return newest?.queue === undefined ? undefined : { queue: newest.queue, reason: newest.reason ?? 'unknown' };
}

/** As it is to stand in its queue again. */
export function asItWas({ body, properties }: Message, { queue }: Removed): Message {
  return { body, properties: { ...properties, headers: headersToStay(properties.headers, queue) } };
}

/** The order of a ledger's records is what they say: one that was taken out of it says nothing any more. */
export function isOfLedger({ queue }: Removed, exchange: string): boolean {
  return queue === ledgerRecordsOf(exchange) || queue === ledgerRequestsOf(exchange);
}

export function removalWarning(removed: Removed, exchange: string): string {
  const { queue, reason } = removed;
  const policy = POLICY_OF[reason] ?? reason;
  const what = isOfLedger(removed, exchange)
    ? 'Results and unique keys that stood there alone are gone.'
    : 'It is brought back each time, and is missing meanwhile.';
  return `RabbitMQ removed something from the queue "${queue}" by itself ("${reason}"): a policy with "${policy}" applies to it. ${what} `
    + 'Keep policies from the queues that only this library uses; docs/rabbitmq.md names them.';
}
