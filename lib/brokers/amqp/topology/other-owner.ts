import { exchangeOfReturns } from '../../../amqp/queue-forms.js';
import { TopologyMismatchError } from '../../../errors.js';
import type { QueueDeclaration } from '../../broker.js';

/**
 * The exchange of whoever made this queue, where it is another: the queues that only we use say in their arguments to
 * which exchange they belong. `undefined`: it is not known that somebody else's application takes from the same queue.
 */
export function otherOwner({ purpose }: QueueDeclaration, refusal: unknown): string | undefined {
  if (purpose !== 'dead-letters' || !(refusal instanceof TopologyMismatchError)) return undefined;
  const { argument, current } = refusal.fields;
  return argument === 'x-dead-letter-routing-key' && typeof current === 'string' ? exchangeOfReturns(current) : undefined;
}
