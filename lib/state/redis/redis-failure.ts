import { ResultBackendError, ResultBackendRefusedError, ResultBackendUnavailableError, type DispatcherError } from '../../errors.js';
import { classifyRedisFailure } from '../../redis/redis-failure.js';

/** What an error of the driver means to whoever uses the store. */
export function redisFailure(error: unknown, display: string): DispatcherError {
  const { kind, said, code } = classifyRedisFailure(error);
  const fields = { backend: display };
  switch (kind) {
    case 'refused': return new ResultBackendRefusedError(`Redis at ${display} refuses this client: ${said}. Check user, password, permissions and the number of the database.`, fields, error);
    case 'no-tls': return new ResultBackendRefusedError(`No TLS connection to Redis at ${display}: ${said}. Check the certificates, and whether this port speaks TLS.`, fields, error);
    case 'connection': return new ResultBackendUnavailableError(`The connection to Redis at ${display} failed: ${said}.`, { ...fields, code }, error);
    case 'not-now': return new ResultBackendUnavailableError(`Redis at ${display} cannot serve now: ${said}.`, fields, error);
    case 'no-room': case 'reply': return new ResultBackendError(`Redis at ${display} says no: ${said}.`, fields, error, undefined, kind === 'no-room');
  }
}
