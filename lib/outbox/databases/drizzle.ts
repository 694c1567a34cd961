import type { OutboxDatabase, OutboxRow } from '../outbox-database.js';
import { rowsOf, type ServerDialect } from './dialects.js';

/** What is used of a database of Drizzle, and of a transaction of it. @publicApi */
export interface DrizzleLike {
  execute(query: never): PromiseLike<unknown>;
}

/** What is used of a database of Drizzle. @publicApi */
export interface DrizzleWithTransactions extends DrizzleLike {
  transaction<Result>(work: (transaction: DrizzleLike) => Promise<Result>): Promise<Result>;
}

/**
 * Drizzle on PostgreSQL by node-postgres, or on MySQL and MariaDB by mysql2; a transaction is what `db.transaction` hands out.
 *
 * @param sql the `sql` of drizzle-orm
 * @param dialect of which database. Default: `postgres`
 * @publicApi
 */
export function drizzleOutbox(db: DrizzleWithTransactions, sql: (strings: TemplateStringsArray, ...parameters: never[]) => unknown, dialect: ServerDialect = 'postgres'): OutboxDatabase<DrizzleLike> {
  const queryIn = async (on: DrizzleLike, text: string, parameters: readonly unknown[]): Promise<readonly OutboxRow[]> => {
    const strings = text.split(/\$\d+/);
    const query = sql(Object.assign(strings, { raw: strings }), ...parameters as never[]);
    return rowsOf(dialect, await on.execute(query as never));
  };
  return { dialect, query: (text, parameters) => queryIn(db, text, parameters), queryIn, transaction: (work) => db.transaction((transaction) => work(transaction)) };
}
