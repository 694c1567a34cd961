import { BrokerError, type DispatcherError } from '../../../errors.js';
import type { ChannelClosure } from '../../../amqp/open-channel.js';
import { declarationFailure } from '../topology/declaration-failure.js';

export function consumeFailure(queue: string, error: unknown): DispatcherError {
  return declarationFailure(error, `queue "${queue}" for consuming`);
}

/** As RabbitMQ says that a delivery was unsettled for longer than `consumer_timeout`. */
const TIMED_OUT = /delivery acknowledgement.* timed out/i;
const ABOUT_THE_TIMEOUT = 'Tasks of any length run once where `consumerTimeoutSeconds` of the dispatcher is what the server has as `consumer_timeout` (rabbitmq.conf, a policy, '
  + 'or the argument of the queue; 1800 by default), and the state that all processes share can be reached.';

export function closureFailure(queue: string, closure: ChannelClosure): DispatcherError {
  if (!TIMED_OUT.test(closure.text)) return consumeFailure(queue, Object.assign(new Error(closure.text), { code: closure.code }));
  return new BrokerError('ERR_DISPATCHER_CONSUMER_TIMEOUT',
    `The broker took the unsettled deliveries of a consumer of queue "${queue}" away, because one of them was older than its consumer_timeout, and gives them to others; `
    + `what runs of them here goes on, and is not run again here. ${ABOUT_THE_TIMEOUT} The broker said: ${closure.text}`,
    { queue, code: closure.code }, { retryable: true });
}

/** It does not say why. */
export function cancellation(queue: string): DispatcherError {
  return new BrokerError('ERR_DISPATCHER_CONSUMER_CANCELLED',
    `The broker stopped delivering from queue "${queue}": it was deleted, or its node was lost; or, on RabbitMQ 4.3, a delivery was unsettled for longer than its consumer_timeout. `
    + `It is declared and consumed again; messages of a deleted queue are gone. ${ABOUT_THE_TIMEOUT}`,
    { queue }, { retryable: true });
}

/** Refusals do not pass quickly by themselves; the rest may. */
export function firstRecoveryPauseMs(error: DispatcherError): number {
  return error.retryable ? 100 : 1000;
}
