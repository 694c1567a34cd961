import { BrokerUnavailableError, type DispatcherError, InvalidTaskError, PublishBufferFullError, PublishTimeoutError, ShutdownError, TaskRejectedError, UnroutableTaskError } from '../../errors.js';
import { LONGEST_DELAY_MS } from '../../task/timing.js';
import type { Address } from '../broker.js';
import type { RedisPublishingLimits } from './redis-broker-options.js';

/** Of which publish an error speaks. */
export interface Published {
  readonly address: Address;
  readonly messageId: string | undefined;
}

function nameOf({ address, messageId }: Published): string {
  return `Task ${messageId ?? '(no id)'} for ${'queue' in address ? `queue "${address.queue}"` : `routing key "${address.routingKey}"`}`;
}

function fieldsOf({ address, messageId }: Published): Record<string, unknown> {
  return { ...address, messageId };
}

export function unroutable(exchange: string, address: Address): UnroutableTaskError {
  if ('queue' in address) return new UnroutableTaskError(`There is no queue '${address.queue}' to take the message. Declare it first (initQueues or a worker of that queue), or mend the name.`, { queue: address.queue });
  const { routingKey } = address;
  return new UnroutableTaskError(`No queue is bound to exchange '${exchange}' with routing key '${routingKey}'. `
    + 'Add the key to the bindingKeys of a queue (initQueues or a worker), or publish with a key that is bound.', { exchange, routingKey });
}

export function timedOut(one: Published, wasSent: boolean, limitMs: number, cause: Error | undefined): DispatcherError {
  const fields = { ...fieldsOf(one), limitMs };
  const why = cause === undefined ? '' : ` ${cause.message}`;
  if (!wasSent) return new BrokerUnavailableError(`${nameOf(one)} was not sent within ${limitMs} ms.${why} It will not run; publish it again.`, fields, cause);
  return new PublishTimeoutError(
    `${nameOf(one)} was sent, but not answered within ${limitMs} ms.${why} The outcome is unknown: the task may still run. Publish it again under the same uuid if running twice does no harm.`, fields, cause);
}

/** What becomes of a publish when nothing more will be sent. */
export function abandoned(one: Published, wasSent: boolean, cause: DispatcherError): DispatcherError {
  if (!wasSent) return cause;
  return new PublishTimeoutError(`${nameOf(one)} was sent, but not answered: ${cause.message} The outcome is unknown: the task may still run.`, fieldsOf(one), cause);
}

export function rejected(one: Published, cause: DispatcherError): TaskRejectedError {
  return new TaskRejectedError(`${nameOf(one)} was refused. ${cause.message}`, { ...fieldsOf(one), cause: cause.message });
}

export function unwritable(one: Published, cause: unknown): InvalidTaskError {
  return new InvalidTaskError(`${nameOf(one)} cannot be written: ${(cause as Error).message}. Headers are strings, finite numbers, booleans, null, arrays and objects of these.`, fieldsOf(one), cause);
}

export function bufferFull(tasks: number, bytes: number, { maxWaitingTasks, maxWaitingBytes }: RedisPublishingLimits): PublishBufferFullError {
  return new PublishBufferFullError(
    `${tasks} tasks with ${bytes} bytes wait to be published already; at most ${maxWaitingTasks} tasks and ${maxWaitingBytes} bytes may. Publish more slowly, or raise the limits.`,
    { tasks, bytes, maxWaitingTasks, maxWaitingBytes });
}

/** What RabbitMQ cannot keep is refused here too: the way from one to the other is one URL. */
export function impossibleDelay(delayMs: number): InvalidTaskError {
  return new InvalidTaskError(`A delay of ${delayMs} ms cannot be kept; expected at most ${LONGEST_DELAY_MS} ms (6.8 years).`, { delayMs, longestMs: LONGEST_DELAY_MS });
}

export function closedError(): ShutdownError {
  return new ShutdownError('The broker on Redis was closed and takes no more calls. Make a new one.');
}
