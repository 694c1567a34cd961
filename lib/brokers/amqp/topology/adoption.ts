import type { QueueArguments } from '../../../amqp/queue-forms.js';
import type { QueueDeclaration } from '../../broker.js';
import type { ServerVersion } from './server-version.js';

/** What an operator is told of a queue that is used as it was found; `undefined` where nothing follows from it. */
export function adoptionWarning(queue: QueueDeclaration, form: QueueArguments, version: ServerVersion): string | undefined {
  if (form['x-queue-type'] !== 'quorum') return queue.type === 'quorum' ? classicWarning(queue) : undefined;
  if (queue.purpose === 'dead-letters') return ownWarning(queue, form, version);
  // Of a worker of dead letters: nothing that the server gives up is lost from it.
  if (queue.type === 'quorum' || form['x-dead-letter-strategy'] !== undefined) return undefined;
  return workWarning(queue, version);
}

/** Of a queue that only we use: one of tasks is refused. */
function classicWarning({ name }: QueueDeclaration): string {
  return `Queue "${name}" is a classic queue, on one node alone, though quorum was asked for: a worker with another type, or an earlier version, has made it. It is used as it is. `
    + "To have it as a quorum queue, write type: 'quorum' for all workers that fill it or take from it, and delete it when it is empty.";
}

function ownWarning({ name, type }: QueueDeclaration, form: QueueArguments, version: ServerVersion): string | undefined {
  const isAsMade = form['x-dead-letter-strategy'] !== undefined && (version.major < 4 || form['x-delivery-limit'] !== undefined);
  if (isAsMade) return undefined;
  if (type === 'quorum' && form['x-delivery-limit'] === -1) return undefined;
  return `Queue "${name}" was made ${type === 'quorum' ? 'by an older server' : "with the server's default type"}: it is a quorum queue, ${limitOf(version)}. `
    + 'It is used as it is, and its messages are published anew before that counts. To have it as this library makes it, delete it when it is empty.';
}

function workWarning({ name, deadLetterQueue = `${name}.dead`, type = 'classic' }: QueueDeclaration, version: ServerVersion): string {
  const policy = `'{"delivery-limit":100,"dead-letter-exchange":"","dead-letter-routing-key":"${deadLetterQueue}"}'`;
  const asked = type === 'server-default' ? '' : ', though classic was asked for: another service or an older version made it with the server\'s default type';
  return `Queue "${name}" is a quorum queue${asked}. It is used as it is, ${limitOf(version)}, and what is beyond that is dropped. `
    + `Set a policy that leads it to the dead letters: rabbitmqctl set_policy --apply-to queues NAME '^${name}$' ${policy}.`;
}

function limitOf({ major }: ServerVersion): string {
  return major >= 4 ? 'whose messages may come back 20 times, unless a policy says otherwise' : 'whose messages may come back as often as a policy says';
}
