import type { QueueDeclaration } from '../../broker.js';
import type { ServerVersion } from './server-version.js';

export type QueueArguments = Readonly<Record<string, string | number>>;

/** A crash loop must end; far above what any number of ordinary restarts reaches. */
const WORK_DELIVERY_LIMIT = 100;

/**
 * The arguments of a queue. They can never change once the queue exists, so those of a work queue
 * are the same on every server version. A classic queue has none, or gofort's own declaration of
 * the same queue would be refused.
 */
export function queueArguments(queue: QueueDeclaration, version: ServerVersion): QueueArguments {
  if (queue.type !== 'quorum') return {};
  if (queue.purpose === 'dead-letters') {
    // Before 4.0 there is no limit unless one is set, and -1 would act as 0 there.
    return version.major >= 4 ? { 'x-queue-type': 'quorum', 'x-delivery-limit': -1 } : { 'x-queue-type': 'quorum' };
  }
  return {
    'x-queue-type': 'quorum',
    'x-delivery-limit': WORK_DELIVERY_LIMIT,
    'x-dead-letter-exchange': '',
    'x-dead-letter-routing-key': queue.deadLetterQueue ?? `${queue.name}.dead`,
    // The three that together make dead-lettering by the broker lose nothing.
    'x-dead-letter-strategy': 'at-least-once',
    'x-overflow': 'reject-publish',
  };
}
