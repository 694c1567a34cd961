import { BrokerError, BrokerRefusedError, BrokerUnavailableError, DispatcherError } from '../../errors.js';
import { classifyRedisFailure } from '../../redis/redis-failure.js';

/** What an error of the driver means to whoever uses the broker. */
export function brokerFailure(error: unknown, display: string): DispatcherError {
  if (error instanceof DispatcherError) return error;
  const { kind, said, code } = classifyRedisFailure(error);
  const fields = { broker: display };
  switch (kind) {
    case 'refused': return new BrokerRefusedError(`Redis at ${display} refuses this client: ${said}. Check user, password, permissions and the number of the database.`, fields, error);
    case 'no-tls': return new BrokerRefusedError(`No TLS connection to Redis at ${display}: ${said}. Check the certificates, and whether this port speaks TLS.`, fields, error);
    case 'connection': return new BrokerUnavailableError(`The connection to Redis at ${display} failed: ${said}.`, { ...fields, code }, error);
    case 'not-now': return new BrokerUnavailableError(`Redis at ${display} cannot serve now: ${said}.`, fields, error);
    case 'no-room': case 'reply':
      return new BrokerError('ERR_DISPATCHER_REJECTED', `Redis at ${display} says no: ${said}. See to the server, then try again.`, fields, { cause: error, retryable: kind === 'no-room' });
  }
}
