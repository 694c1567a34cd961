import { clock } from '../../time/clock.js';
import { pauseUntil } from '../../time/pause-until.js';
import { ConfigurationError } from '../../index.js';

/** What is used of a statement of better-sqlite3. @publicApi */
export interface BetterSqlite3Statement {
  readonly reader: boolean;
  readonly readonly: boolean;
  all(...parameters: never[]): unknown[];
  run(...parameters: never[]): unknown;
}

/** What is used of a connection of better-sqlite3. @publicApi */
export interface BetterSqlite3Like {
  readonly memory: boolean;
  readonly readonly: boolean;
  readonly inTransaction: boolean;
  prepare(sql: string): BetterSqlite3Statement;
  exec(sql: string): unknown;
  pragma(text: string, options?: { simple?: boolean }): unknown;
  close(): unknown;
}

/** For the transactions of other processes. */
const WAIT_MS = 60_000;
const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 20;
const EXAMPLE = "betterSqlite3Outbox(() => new Database('orders.db'))";

const opened = new WeakSet<BetterSqlite3Like>();
const never = new AbortController().signal;

/** Runs it again as long as another process has the file: SQLite's own wait would stop everything else in this one. */
export async function whenFree<Result>(run: () => Result): Promise<Result> {
  const until = clock.elapsed() + WAIT_MS;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      return run();
    } catch (error) {
      if (!isBusy(error) || clock.elapsed() >= until) throw error;
    }
    await pauseUntil(pauseMs * (0.5 + clock.random()), never);
  }
}

/** Not what has read before another has written, and can never write after it. */
function isBusy(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' && code.startsWith('SQLITE_BUSY') && code !== 'SQLITE_BUSY_SNAPSHOT';
}

/** @throws ConfigurationError for what is no function */
export function checkOpen(open: unknown): void {
  if (typeof open !== 'function') throw refusal(`betterSqlite3Outbox needs a function that opens a connection of better-sqlite3; found ${open === null ? 'null' : typeof open}. Write ${EXAMPLE}.`);
}

/** @throws ConfigurationError for what several connections cannot share; what SQLite says of the file */
export async function openSqlite<Connection extends BetterSqlite3Like>(open: () => Connection): Promise<Connection> {
  const connection = open();
  checkConnection(connection);
  opened.add(connection);
  try {
    connection.pragma('busy_timeout = 0');
    const mode = await whenFree(() => connection.pragma('journal_mode = WAL', { simple: true }));
    if (mode !== 'wal') throw refusal(`The journal of this file of SQLite must be a write-ahead log; found ${String(mode)}. Network file systems cannot have one: keep the file on a local disk.`);
    // NORMAL may lose the last transactions with the power, of which the broker has the tasks by then.
    connection.pragma('synchronous = FULL');
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

function checkConnection(connection: BetterSqlite3Like): void {
  const { prepare, exec, pragma } = (typeof connection === 'object' && connection !== null ? connection : {}) as Partial<BetterSqlite3Like>;
  if ([prepare, exec, pragma].some((each) => typeof each !== 'function')) throw refusal(`betterSqlite3Outbox needs a function that opens a connection of better-sqlite3: ${EXAMPLE}.`);
  if (opened.has(connection)) throw refusal(`betterSqlite3Outbox needs a new connection at each call, as a connection has one transaction at a time; found the same one twice. Write ${EXAMPLE}.`);
  if (connection.memory) throw refusal(`The outbox on SQLite needs a file, which its connections share; found a database in memory. Write ${EXAMPLE}.`);
  if (connection.readonly) throw refusal('The outbox on SQLite writes; found a connection that was opened with { readonly: true }. Open it without.');
}

function refusal(text: string): ConfigurationError {
  return new ConfigurationError(text, { option: 'database' });
}
