import { ResultBackendError, ResultBackendUnavailableError, ResultTooLargeError, type DispatcherError } from '../../errors.js';

const REPLIES = /^(ERROR|CLIENT_ERROR|SERVER_ERROR|BUSY)\b/;

/** What an error of the driver means. Whatever is no reply of the server comes from the connection. */
export function memcacheFailure(error: unknown, server: string): DispatcherError {
  const { message } = error as Error;
  const fields = { server };
  if (/too large for cache/i.test(message)) {
    return new ResultTooLargeError(`memcached at ${server} keeps no value of this size. Start it with a larger -I, store the value elsewhere and keep its key, or choose another backend.`, fields, error);
  }
  if (!REPLIES.test(message)) return new ResultBackendUnavailableError(`The connection to memcached at ${server} failed: ${message}.`, fields, error);
  return new ResultBackendError(`memcached at ${server} says no: ${message}.`, fields, error, undefined, /out of memory|BUSY/.test(message));
}
