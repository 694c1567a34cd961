import { undeliveredHeaders, undeliveredQueueOf, undeliveredWarning } from '../../task/undelivered.js';
import type { Message, Topology } from '../broker.js';

/** A delayed message that no queue takes now that it is due. */
export interface Undeliverable {
  /** Where it is kept from now on; to be declared first. */
  readonly queue: string;
  readonly topology: Topology;
  readonly message: Message;
  readonly warning: string;
}

export function undeliverable(exchange: string, routingKey: string, message: Message, error: unknown, now: number): Undeliverable {
  const queue = undeliveredQueueOf(exchange);
  const problem = `When it was due: ${(error as Error).message}`;
  const headers = undeliveredHeaders(message.properties.headers, { exchange, routingKey, problem, at: new Date(now) });
  return {
    queue,
    topology: { queues: [{ name: queue }] },
    message: { body: message.body, properties: { ...message.properties, headers } },
    warning: undeliveredWarning(message.properties.messageId, exchange, problem),
  };
}
