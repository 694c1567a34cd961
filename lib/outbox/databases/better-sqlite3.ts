import { AsyncLocalStorage } from 'node:async_hooks';
import { ConfigurationError } from '../../index.js';
import type { OutboxDatabase, OutboxRow } from '../outbox-database.js';
import { checkOpen, openSqlite, whenFree, type BetterSqlite3Like } from './sqlite-connection.js';

/** A file of SQLite, by two connections of its own. @publicApi */
export interface BetterSqlite3Outbox<Connection> extends OutboxDatabase<Connection> {
  /**
   * Runs the work in a new transaction, after those of this process that came before: commits when it resolves, rolls back and
   * rejects when it rejects. Waits for the transactions of other processes, for up to a minute, without holding up this one.
   *
   * @throws ConfigurationError where the work of such a transaction begins another: it would wait for itself
   */
  transaction<Result>(work: (connection: Connection) => Promise<Result>): Promise<Result>;
  /** Closes both connections, after what has begun; idempotent. Only where the process goes on without it. */
  close(): Promise<void>;
}

interface Scope { isOpen: boolean; readonly added: Set<string> }

const ADDS = /^INSERT INTO (\w+) /;

/**
 * A file of SQLite by `better-sqlite3`; a transaction is a connection on which one has begun, as `transaction` hands it out.
 *
 * @param open makes a connection of its own at each call: `() => new Database('orders.db')`. It is called twice, when it is first used
 * @throws ConfigurationError for what is no function
 * @publicApi
 */
export function betterSqlite3Outbox<Connection extends BetterSqlite3Like>(open: () => Connection): BetterSqlite3Outbox<Connection> {
  checkOpen(open);
  return new SqliteFile(open);
}

class SqliteFile<Connection extends BetterSqlite3Like> implements BetterSqlite3Outbox<Connection> {
  readonly dialect = 'sqlite';
  private readonly scopes = new AsyncLocalStorage<Scope>();
  private readonly listeners = new Set<{ channel: string; onNotice: () => void }>();
  private readonly connections = new Map<'reading' | 'writing', Promise<Connection>>();
  private last: Promise<unknown> = Promise.resolve();
  private isClosed = false;

  constructor(private readonly open: () => Connection) {}

  async query(sql: string, parameters: readonly unknown[]): Promise<readonly OutboxRow[]> {
    const reading = await this.connection('reading');
    if (await whenFree(() => reading.prepare(sql).readonly)) return whenFree(() => run(reading, sql, parameters));
    return this.inTurn(async () => {
      const writing = await this.connection('writing');
      return whenFree(() => run(writing, sql, parameters));
    });
  }

  queryIn(connection: Connection, sql: string, parameters: readonly unknown[]): Promise<readonly OutboxRow[]> {
    return whenFree(() => {
      if (!connection.inTransaction) throw new ConfigurationError('Found no transaction on this connection to SQLite. Publish, and await it, between BEGIN and COMMIT: in the work that is given to transaction() of betterSqlite3Outbox.');
      const [, table] = ADDS.exec(sql) ?? [];
      if (table !== undefined) this.scopes.getStore()?.added.add(table);
      return run(connection, sql, parameters);
    });
  }

  async transaction<Result>(work: (connection: Connection) => Promise<Result>): Promise<Result> {
    const scope: Scope = { isOpen: true, added: new Set() };
    const result = await this.inTurn(async () => {
      const connection = await this.connection('writing');
      await whenFree(() => connection.exec('BEGIN IMMEDIATE'));
      try {
        const answer = await this.scopes.run(scope, () => work(connection));
        await whenFree(() => connection.exec('COMMIT'));
        return answer;
      } catch (error) {
        this.rollBack(connection);
        throw error;
      } finally {
        scope.isOpen = false;
      }
    });
    for (const { channel, onNotice } of this.listeners) if (scope.added.has(channel)) onNotice();
    return result;
  }

  /** Of what this process has committed; SQLite tells nobody of what others have. */
  listen(channel: string, onNotice: () => void): Promise<() => Promise<void>> {
    const listener = { channel, onNotice };
    this.listeners.add(listener);
    return Promise.resolve(() => {
      this.listeners.delete(listener);
      return Promise.resolve();
    });
  }

  async close(): Promise<void> {
    await this.inTurn(async () => {
      this.isClosed = true;
      const opened = await Promise.allSettled(this.connections.values());
      this.connections.clear();
      for (const each of opened) if (each.status === 'fulfilled') each.value.close();
    });
  }

  /** One transaction at a time can write; who waits for it in better-sqlite3 stops the process, and with it the one waited for. */
  private inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.scopes.getStore()?.isOpen === true) {
      return Promise.reject(new ConfigurationError('A transaction on SQLite was begun within another, for which it would wait for ever. Work in the one that is there: outbox.transaction, in a handler with { inbox: true } and within outbox.within().'));
    }
    const mine = this.last.then(work);
    this.last = mine.catch(() => undefined);
    return mine;
  }

  private connection(which: 'reading' | 'writing'): Promise<Connection> {
    if (this.isClosed) return Promise.reject(new ConfigurationError('The outbox on SQLite was closed. Close it after app.close().'));
    const known = this.connections.get(which);
    if (known !== undefined) return known;
    const opening = openSqlite(this.open);
    this.connections.set(which, opening);
    // What was wrong may be put right: the next one tries again.
    opening.catch(() => this.connections.delete(which));
    return opening;
  }

  /** SQLite has done so already for some errors. A connection that cannot even roll back is of no use to others. */
  private rollBack(connection: Connection): void {
    try {
      if (connection.inTransaction) connection.exec('ROLLBACK');
    } catch {
      this.connections.delete('writing');
      connection.close();
    }
  }
}

function run(connection: BetterSqlite3Like, sql: string, parameters: readonly unknown[]): OutboxRow[] {
  const statement = connection.prepare(sql.replace(/\$\d+/g, '?'));
  if (statement.reader) return statement.all(...parameters as never[]) as OutboxRow[];
  statement.run(...parameters as never[]);
  return [];
}
