import { ConfigurationError, ResultBackendError, ResultBackendRefusedError, ResultBackendUnavailableError, ResultTooLargeError, type DispatcherError } from '../../errors.js';

/** Server error codes: Unauthorized, AuthenticationFailed, Atlas' own. */
const REFUSED = new Set([13, 18, 8000]);
/** HostUnreachable, HostNotFound, NetworkTimeout, ShutdownInProgress, PrimarySteppedDown, NotWritablePrimary, and the like. */
const AWAY = new Set([6, 7, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436]);
const TOO_LARGE = new Set([10334, 17280, 17419]);
const AWAY_NAMES = /^Mongo(Network|ServerSelection|ServerClosed|TopologyClosed|NotConnected|PoolCleared|PoolClosed|ConnectionPoolClosed|ClientClosed|WaitQueueTimeout|ExpiredSession)/;
const CONFIGURATION_NAMES = /^Mongo(Parse|InvalidArgument|MissingCredentials|MissingDependency)/;

/** What an error of the driver means; by names and codes, because the driver is loaded late. */
export function mongoFailure(error: unknown, display: string): DispatcherError {
  const { name, message, code } = error as { name: string; message: string; code?: number };
  const fields = { backend: display, ...(code === undefined ? {} : { code }) };
  if (CONFIGURATION_NAMES.test(name)) {
    return new ConfigurationError(`The mongodb: URL or the options of the result backend cannot be used: ${message}. Write mongodb://user:password@host:27017/database.`, fields, error);
  }
  if (code !== undefined && REFUSED.has(code)) {
    return new ResultBackendRefusedError(`MongoDB at ${display} refuses this client: ${message}. Check user, password, authSource and roles (readWrite on the database).`, fields, error);
  }
  if ((code !== undefined && TOO_LARGE.has(code)) || /BSONObjectTooLarge|object to insert too large|document is too large/i.test(message)) {
    return new ResultTooLargeError(`MongoDB at ${display} keeps no value of this size: ${message}. Store it elsewhere and keep its key.`, fields, error);
  }
  if (AWAY_NAMES.test(name) || (code !== undefined && AWAY.has(code))) {
    return new ResultBackendUnavailableError(`The connection to MongoDB at ${display} failed: ${message}.`, fields, error);
  }
  return new ResultBackendError(`MongoDB at ${display} says no: ${message}.`, fields, error);
}

export function isDuplicateKey(error: unknown): boolean {
  return (error as { code?: unknown }).code === 11000;
}
