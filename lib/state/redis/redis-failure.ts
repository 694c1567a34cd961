import { ResultBackendError, ResultBackendRefusedError, ResultBackendUnavailableError, type DispatcherError } from '../../errors.js';

const REFUSALS = /^(NOAUTH|WRONGPASS|NOPERM|ERR (invalid password|AUTH|DB index|Client sent AUTH|unknown command .?HELLO))/i;
/** The server is there and cannot serve now; another connection, later, may lead to one that can. */
const NOT_NOW = /^(LOADING|MASTERDOWN|READONLY|CLUSTERDOWN|TRYAGAIN|UNBLOCKED)/;
const TLS_REFUSALS = /certificate|self.signed|ERR_TLS|EPROTO|wrong version number/i;

/** What an error of the driver means. Whatever is no reply of the server comes from the connection. */
export function redisFailure(error: unknown, display: string): DispatcherError {
  const { message, code } = error as { message: string; code?: string };
  const fields = { backend: display };
  if (REFUSALS.test(message)) {
    return new ResultBackendRefusedError(`Redis at ${display} refuses this client: ${message}. Check user, password, permissions and the number of the database.`, fields, error);
  }
  if (!isReply(error)) {
    if (TLS_REFUSALS.test(`${code ?? ''} ${message}`)) {
      return new ResultBackendRefusedError(`No TLS connection to Redis at ${display}: ${message}. Check the certificates, and whether this port speaks TLS.`, fields, error);
    }
    return new ResultBackendUnavailableError(`The connection to Redis at ${display} failed: ${message || code}.`, { ...fields, code }, error);
  }
  if (NOT_NOW.test(message)) return new ResultBackendUnavailableError(`Redis at ${display} cannot serve now: ${message}.`, fields, error);
  return new ResultBackendError(`Redis at ${display} says no: ${message}.`, fields, error, undefined, /^(OOM|BUSY|MISCONF|NOREPLICAS)/.test(message));
}

/** By its shape: the driver is loaded late, and its classes with it. */
function isReply(error: unknown): boolean {
  return error instanceof Error && /^[A-Z]{2,} /.test(error.message) && (error as NodeJS.ErrnoException).code === undefined && (error as NodeJS.ErrnoException).syscall === undefined;
}
