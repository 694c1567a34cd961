import { missingRightIn, missingRightText } from '../../../amqp/missing-right.js';
import {
  BrokerRefusedError,
  BrokerUnavailableError,
  HeadersTooLargeError,
  type DispatcherError,
  InvalidTaskError,
  PublishBufferFullError,
  PublishTimeoutError,
  ShutdownError,
  TaskRejectedError,
  TaskTooLargeError,
  UnroutableTaskError,
} from '../../../errors.js';
import type { ChannelClosure } from '../../../amqp/open-channel.js';
import { HeaderFrameTooLarge } from './message-frames.js';
import type { Outgoing } from './outgoing.js';

interface Place {
  exchange: string;
  routingKey: string;
  messageId: string | undefined;
}

function place({ exchange, routingKey, messageId }: Outgoing): Place {
  return { exchange, routingKey, messageId };
}

function name(outgoing: Outgoing): string {
  const where = outgoing.exchange === '' ? `queue "${outgoing.routingKey}"` : `exchange "${outgoing.exchange}", routing key "${outgoing.routingKey}"`;
  return `Task ${outgoing.messageId ?? '(no id)'} for ${where}`;
}

export function unroutable(outgoing: Outgoing): UnroutableTaskError {
  const advice = outgoing.exchange === '' ? 'There is no such queue: declare it.' : 'No queue is bound there: bind one with this routing key, or correct the key.';
  return new UnroutableTaskError(`${name(outgoing)} reached no queue. ${advice}`, { ...place(outgoing) });
}

export function rejected(outgoing: Outgoing): TaskRejectedError {
  return new TaskRejectedError(
    `${name(outgoing)} was refused by the broker ${outgoing.nacks} times. A queue is full (\`reject-publish\`) or has no majority: see to it, then publish again.`,
    { ...place(outgoing), tries: outgoing.nacks },
  );
}

export function timedOut(outgoing: Outgoing, limitMs: number, cause: Error): DispatcherError {
  const fields = { ...place(outgoing), limitMs };
  if (!outgoing.sent) {
    return new BrokerUnavailableError(`${name(outgoing)} was not sent within ${limitMs} ms: ${cause.message} It will not run; publish it again.`, fields, cause);
  }
  return new PublishTimeoutError(
    `${name(outgoing)} was sent, but not confirmed within ${limitMs} ms. The outcome is unknown: the task may still run. Publish it again under the same uuid if running twice does no harm.`,
    fields,
    cause,
  );
}

/** What becomes of a publish when nothing more will be sent. */
export function abandoned(outgoing: Outgoing, cause: DispatcherError): DispatcherError {
  if (!outgoing.sent) return cause;
  return new PublishTimeoutError(`${name(outgoing)} was sent, but not confirmed: ${cause.message} The outcome is unknown: the task may still run.`, { ...place(outgoing) }, cause);
}

export function shutDown(): ShutdownError {
  return new ShutdownError('The broker connection is closing: no task is taken for publishing any more.');
}

export function invalid(outgoing: Outgoing, cause: Error): InvalidTaskError {
  if (cause instanceof HeaderFrameTooLarge) {
    const { bytes, maxBytes } = cause;
    return new HeadersTooLargeError(`${name(outgoing)}: ${cause.message}. Send less in its headers, or more in its arguments; or raise frame_max in rabbitmq.conf.`,
      { ...place(outgoing), bytes, maxBytes });
  }
  return new InvalidTaskError(
    `${name(outgoing)} cannot be written as an AMQP message: ${cause.message}. Names and ids take up to 255 bytes, headers strings, finite numbers, booleans, null, arrays and objects of these.`,
    { ...place(outgoing) },
    cause,
  );
}

export function tooLarge(bytes: number, maxBytes: number, whose: string): TaskTooLargeError {
  return new TaskTooLargeError(`The task's body has ${bytes} bytes; ${whose} allows ${maxBytes}. Store the data elsewhere and send a reference.`, { bytes, maxBytes });
}

export function bufferFull(tasks: number, bytes: number, limits: { maxWaitingTasks: number; maxWaitingBytes: number }): PublishBufferFullError {
  return new PublishBufferFullError(
    `${tasks} tasks with ${bytes} bytes wait to be published already; at most ${limits.maxWaitingTasks} tasks and ${limits.maxWaitingBytes} bytes may. Publish more slowly, or raise the limits.`,
    { tasks, bytes, maxWaitingTasks: limits.maxWaitingTasks, maxWaitingBytes: limits.maxWaitingBytes },
  );
}

/** For the one publish that was under way when the server closed the channel or connection for it. */
export function killedChannel(outgoing: Outgoing, closure: ChannelClosure): DispatcherError {
  const fields = { ...place(outgoing), reason: closure.text };
  if (closure.code === 403) {
    const missing = missingRightIn(closure.text);
    const advice = missing === undefined ? `${closure.text}. Give the user write permission on the exchange.` : missingRightText(missing);
    return new BrokerRefusedError(`${name(outgoing)} was refused. ${advice}`, { ...fields, ...missing });
  }
  if (closure.code === 404) return new UnroutableTaskError(`${name(outgoing)} reached no exchange: ${closure.text}. Declare it.`, fields);
  return new TaskRejectedError(`${name(outgoing)} made the broker close the channel: ${closure.text}. Mend the task before publishing it again.`, fields);
}
