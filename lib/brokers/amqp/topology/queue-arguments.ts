import { CLASSIC, guardedBy, ownForms, QUORUM, type QueueArguments, returnsQueueOf } from '../../../amqp/queue-forms.js';
import { isDeadLetterQueue } from '../../../task/dead-letter-queue.js';
import type { QueueDeclaration } from '../../broker.js';
import type { ServerVersion } from './server-version.js';

/** A crash loop must end; far above what any number of ordinary restarts reaches. */
const WORK_DELIVERY_LIMIT = 100;
const UNLIMITED = { 'x-delivery-limit': -1 } as const;
/** With `reject-publish`, it makes dead-lettering by the server lose nothing. */
const AT_LEAST_ONCE = { 'x-dead-letter-strategy': 'at-least-once' } as const;

/**
 * The forms of a queue: first the one that it is made in, then those in which it is taken as it is found, because
 * the server's default type, an older version of this library or a Go service made it so.
 */
export function queueForms(queue: QueueDeclaration, exchange: string, version: ServerVersion): readonly QueueArguments[] {
  if (queue.purpose === 'dead-letters' || isDeadLetterQueue(queue.name)) return guardedForms(queue, returnsQueueOf(exchange), version);
  switch (queue.type) {
    case 'quorum': return [quorumWorkQueue(queue)];
    case 'server-default': return [{}, CLASSIC, QUORUM];
    default: return [CLASSIC, QUORUM];
  }
}

/**
 * A queue that only we use. That of dead letters may have workers too, and these another type than those that fill it:
 * whoever declares it first makes it so that it loses none, and all others take it as it is.
 */
function guardedForms(queue: QueueDeclaration, target: string, version: ServerVersion): readonly QueueArguments[] {
  const classic = ownForms(target);
  // The last as version 0.1.0 made it for a worker.
  const quorum = [...ownQuorumForms(target, version), ...(isDeadLetterQueue(queue.name) ? [quorumWorkQueue(queue)] : [])];
  if (queue.type === 'quorum') return [...quorum, ...classic];
  if (queue.type === 'server-default' && queue.purpose !== 'dead-letters') return [{}, CLASSIC, QUORUM, ...classic, ...quorum];
  return [...classic, ...quorum];
}

/** Of a quorum queue that only we use; the first is how it is made. @param target where the server puts what it removes from it */
export function ownQuorumForms(target: string, { major }: ServerVersion): readonly QueueArguments[] {
  const guarded = { ...QUORUM, ...guardedBy(target), ...AT_LEAST_ONCE };
  // Before 4.0 there is no limit unless one is set, and -1 would act as 0 there.
  if (major < 4) return [guarded, QUORUM];
  return [{ ...guarded, ...UNLIMITED }, { ...QUORUM, ...UNLIMITED }, guarded, QUORUM];
}

/** The same on every version of the server. */
function quorumWorkQueue(queue: QueueDeclaration): QueueArguments {
  return {
    ...QUORUM,
    'x-delivery-limit': WORK_DELIVERY_LIMIT,
    'x-dead-letter-exchange': '',
    'x-dead-letter-routing-key': queue.deadLetterQueue ?? `${queue.name}.dead`,
    ...AT_LEAST_ONCE,
    'x-overflow': 'reject-publish',
  };
}
