import { missingRightIn, missingRightText } from '../../amqp/missing-right.js';
import { classifyConnectionFailure } from '../../amqp/connection-failure.js';
import { BrokerRefusedError, BrokerUnavailableError, DispatcherError, ResultBackendRefusedError, ResultBackendUnavailableError } from '../../errors.js';

/** The server's codes for "not like this": no permission, locked by another, the queue exists with other properties. */
const REFUSALS: Readonly<Record<number, string>> = {
  403: "Check the user's permissions on the ledger's queue: configure, write and read.",
  405: 'Somebody else has the queue for himself alone; choose another exchange.',
  406: 'The queue exists with other properties; delete it, or choose another exchange.',
};

/** What an attempt to connect, or a question to the server, failed with. */
export function ledgerFailure(error: unknown, display: string): DispatcherError {
  if (error instanceof DispatcherError && !(error instanceof BrokerRefusedError || error instanceof BrokerUnavailableError)) return error;
  const code = (error as { code?: unknown }).code;
  const missing = missingRightIn(error instanceof Error ? error.message : '');
  const advice = missing === undefined ? (typeof code === 'number' ? REFUSALS[code] : undefined) : missingRightText(missing);
  if (advice !== undefined) return new ResultBackendRefusedError(`RabbitMQ at ${display} refused the ledger: ${(error as Error).message}. ${advice}`, { backend: display, code }, error);
  const failure = classifyConnectionFailure(error, display);
  if (failure instanceof BrokerRefusedError) return new ResultBackendRefusedError(failure.message, failure.fields, failure);
  return new ResultBackendUnavailableError(failure.message, failure.fields, failure);
}

/** The connection, or one of its channels, is gone. */
export function ledgerLost(error: Error, display: string): ResultBackendUnavailableError {
  return new ResultBackendUnavailableError(`The connection to the ledger at ${display} was lost: ${error.message}.`, { backend: display }, error);
}
