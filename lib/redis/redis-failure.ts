const REFUSALS = /^(NOAUTH|WRONGPASS|NOPERM|ERR (invalid password|AUTH|DB index|Client sent AUTH|unknown command .?HELLO))/i;
/** The server is there and cannot serve now; another connection, later, may lead to one that can. */
const NOT_NOW = /^(LOADING|MASTERDOWN|READONLY|CLUSTERDOWN|TRYAGAIN|UNBLOCKED|MOVED|ASK)/;
/** The server is there, and takes no writes for now: no memory, no disk, too few replicas, a script that runs for too long. */
const NO_ROOM = /^(OOM|BUSY|MISCONF|NOREPLICAS)/;
const TLS_REFUSALS = /certificate|self.signed|ERR_TLS|EPROTO|wrong version number/i;

/**
 * `refused`: it says no to this client. `no-tls`: no encrypted connection. `connection`: it failed, or could not be made.
 * `not-now`, `no-room`: see above. `reply`: any other error that it answered with.
 */
export type RedisFailureKind = 'refused' | 'no-tls' | 'connection' | 'not-now' | 'no-room' | 'reply';

export interface RedisFailure {
  readonly kind: RedisFailureKind;
  /** What the server or the system said. */
  readonly said: string;
  readonly code: string | undefined;
}

/** What an error of the driver means. Whatever is no reply of the server comes from the connection. */
export function classifyRedisFailure(error: unknown): RedisFailure {
  const { message: whole, code } = error as { message: string; code?: string };
  const message = inScript(whole);
  const failure = (kind: RedisFailureKind): RedisFailure => ({ kind, said: message || (code ?? 'no reason given'), code });
  if (REFUSALS.test(message)) return failure('refused');
  if (!isReply(error)) return failure(TLS_REFUSALS.test(`${code ?? ''} ${message}`) ? 'no-tls' : 'connection');
  if (NOT_NOW.test(message)) return failure('not-now');
  return failure(NO_ROOM.test(message) ? 'no-room' : 'reply');
}

/** The server does not know this script: it has started anew, or was told to forget all. */
export function isUnknownScript(error: unknown): boolean {
  return /^NOSCRIPT/.test((error as Error).message);
}

/** Before 7.0 what a command in a script failed with stands at the end of an error of the script. */
function inScript(message: string): string {
  return /^ERR Error running script .*@user_script: ?\d+: -?([A-Z]{2,} .*)$/s.exec(message)?.[1] ?? message;
}

/** By its shape: the driver is loaded late, and its classes with it. */
function isReply(error: unknown): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return error instanceof Error && /^[A-Z]{2,} /.test(error.message) && code === undefined && syscall === undefined;
}
