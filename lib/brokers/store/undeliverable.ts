import { undeliveredHeaders, undeliveredQueueOf, undeliveredWarning } from '../../task/undelivered.js';
import type { BeforeUndelivered, Message, Topology } from '../broker.js';

/** A delayed message that no queue takes now that it is due. */
export interface Undeliverable {
  /** Where it is kept from now on; to be declared first. */
  readonly queue: string;
  readonly topology: Topology;
  readonly message: Message;
  readonly warning: string;
}

/**
 * Who in this process is to be told of such a message: `nobody`, where it is put aside at once; or `others`, where
 * its exchange is only used by other processes, and it is left to them.
 */
export type Teller = BeforeUndelivered | 'nobody' | 'others';

/** After so long one that nobody could be told of, or that is left to others, is looked at again. */
export const LOOK_AGAIN_MS = 5_000;

export function undeliverable(exchange: string, routingKey: string, message: Message, problem: string, now: number): Undeliverable {
  const queue = undeliveredQueueOf(exchange);
  const headers = undeliveredHeaders(message.properties.headers, { exchange, routingKey, problem, at: new Date(now) });
  return {
    queue,
    topology: { queues: [{ name: queue }] },
    message: { body: message.body, properties: { ...message.properties, headers } },
    warning: undeliveredWarning(message.properties.messageId, exchange, problem),
  };
}

export function problemOf(error: unknown): string {
  return `When it was due: ${(error as Error).message}`;
}

/** What the log says where somebody could not be told. */
export function untoldWarning(messageId: string | undefined, error: unknown): string {
  return `Task ${messageId ?? '(no id)'} was delayed and cannot be delivered, and it cannot be told now that it ends so; it waits, and is tried again in ${LOOK_AGAIN_MS / 1000} s. ${(error as Error).message}`;
}
