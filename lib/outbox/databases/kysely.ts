import type { OutboxDatabase, OutboxRow } from '../outbox-database.js';
import { withoutNumbers, type ServerDialect } from './dialects.js';

/** What is used of Kysely, and of a transaction of it. @publicApi */
export interface KyselyLike {
  executeQuery(query: never): Promise<{ rows: unknown[] }>;
}

/** What is used of Kysely. @publicApi */
export interface KyselyWithTransactions extends KyselyLike {
  transaction(): { execute<Result>(work: (transaction: KyselyLike) => Promise<Result>): Promise<Result> };
}

/**
 * Kysely on PostgreSQL, MySQL or MariaDB; a transaction is what `db.transaction().execute` hands out.
 *
 * @param compiled `CompiledQuery` of kysely
 * @param dialect of which database. Default: `postgres`
 * @publicApi
 */
export function kyselyOutbox(db: KyselyWithTransactions, compiled: { raw(sql: string, parameters?: unknown[]): unknown }, dialect: ServerDialect = 'postgres'): OutboxDatabase<KyselyLike> {
  const queryIn = async (on: KyselyLike, sql: string, parameters: readonly unknown[]): Promise<readonly OutboxRow[]> => (await on.executeQuery(compiled.raw(dialect === 'mysql' ? withoutNumbers(sql) : sql, [...parameters]) as never)).rows as OutboxRow[];
  return { dialect, query: (sql, parameters) => queryIn(db, sql, parameters), queryIn, transaction: (work) => db.transaction().execute((transaction) => work(transaction)) };
}
