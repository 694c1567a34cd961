import { ConfigurationError, ResultBackendError, ResultBackendRefusedError, ResultBackendUnavailableError, ResultTooLargeError, type DispatcherError } from '../../errors.js';

/** Server error codes: Unauthorized, AuthenticationFailed, Atlas' own. */
const REFUSED = new Set([13, 18, 8000]);
/** HostUnreachable, HostNotFound, NetworkTimeout, ShutdownInProgress, PrimarySteppedDown, NotWritablePrimary, and the like. */
const AWAY = new Set([6, 7, 89, 91, 133, 189, 262, 384, 9001, 10058, 10107, 11600, 11602, 13435, 13436]);
/** The server is there, but not for this just now: locks, cursors, time limits, conflicts, shards that move, too much to do. */
const BUSY = new Set([24, 43, 46, 50, 63, 64, 112, 134, 150, 202, 234, 365, 391, 462, 11601, 13388]);
const TOO_LARGE = new Set([10334, 17280, 17419]);
const AWAY_NAMES = /^Mongo(Network|ServerSelection|ServerClosed|TopologyClosed|NotConnected|PoolCleared|PoolClosed|ConnectionPoolClosed|ClientClosed|WaitQueueTimeout|ExpiredSession|StalePrimary|OperationTimeout)/;
const AWAY_LABELS = ['RetryableWriteError', 'PoolRequestedRetry', 'ResetPool', 'InterruptInUseConnections'];
const BUSY_LABELS = ['TransientTransactionError', 'SystemOverloadedError', 'RetryableError'];
/** Of a socket, as Node says it. */
const SOCKET_CODES = new Set(['ECONNRESET', 'ECONNREFUSED', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN', 'ENOTFOUND', 'EAI_AGAIN']);
/** Servers that say it in words alone. */
const AWAY_WORDS = /not master|not primary|node is recovering/i;
const CONFIGURATION_NAMES = /^Mongo(Parse|InvalidArgument|MissingCredentials|MissingDependency)/;
/** Causes of causes: a circle must not hold us. */
const DEEPEST = 5;

interface MongoFailure {
  readonly name: string;
  readonly message: string;
  readonly code?: unknown;
  readonly cause?: unknown;
  readonly errorLabels?: unknown;
}

/** What an error of the driver means; by names, codes and labels, because the driver is loaded late. */
export function mongoFailure(error: unknown, display: string): DispatcherError {
  const { name, message, code } = error as MongoFailure;
  const fields = { backend: display, ...(code === undefined ? {} : { code }) };
  if (CONFIGURATION_NAMES.test(name)) {
    // Without its cause: the driver repeats the URL, password and all.
    return new ConfigurationError(`The mongodb: URL or the options of the result backend cannot be used: ${withoutUrl(message)}. Write mongodb://user:password@host:27017/database.`, fields);
  }
  if (REFUSED.has(code as number)) {
    return new ResultBackendRefusedError(`MongoDB at ${display} refuses this client: ${message}. Check user, password, authSource and roles (readWrite on the database).`, fields, error);
  }
  if (TOO_LARGE.has(code as number) || /BSONObjectTooLarge|object to insert too large|document is too large/i.test(message)) {
    return new ResultTooLargeError(`MongoDB at ${display} keeps no value of this size: ${message}. Store it elsewhere and keep its key.`, fields, error);
  }
  if (chainOf(error).some(isAway)) {
    return new ResultBackendUnavailableError(`The connection to MongoDB at ${display} failed: ${message}.`, fields, error);
  }
  if (isBusy(error as MongoFailure)) {
    return new ResultBackendError(`MongoDB at ${display} cannot do this just now: ${message}. Try again.`, fields, error, undefined, true);
  }
  return new ResultBackendError(`MongoDB at ${display} says no: ${message}.`, fields, error);
}

/** What a driver's text says before it comes to the URL. */
function withoutUrl(message: string): string {
  return message.replace(/["']?mongodb(\+srv)?:.*$/is, 'the URL');
}

export function isDuplicateKey(error: unknown): boolean {
  return (error as { code?: unknown }).code === 11000;
}

function isAway(error: MongoFailure): boolean {
  const { name, message, code } = error;
  if (AWAY_NAMES.test(name) || AWAY.has(code as number) || SOCKET_CODES.has(code as string)) return true;
  // A bulk write wraps what the driver threw, and hides its name; what the server says has a code.
  if (name === 'MongoBulkWriteError' && code === undefined) return true;
  return hasLabel(error, AWAY_LABELS) || (code === undefined && AWAY_WORDS.test(message));
}

function isBusy(error: MongoFailure): boolean {
  return BUSY.has(error.code as number) || hasLabel(error, BUSY_LABELS);
}

function hasLabel({ errorLabels }: MongoFailure, labels: readonly string[]): boolean {
  return Array.isArray(errorLabels) && errorLabels.some((label) => labels.includes(label as string));
}

/** The error and its causes. */
function chainOf(error: unknown): MongoFailure[] {
  const chain: MongoFailure[] = [];
  for (let next = error; typeof next === 'object' && next !== null && chain.length < DEEPEST; next = (next as MongoFailure).cause) chain.push(next as MongoFailure);
  return chain;
}
