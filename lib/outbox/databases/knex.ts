import type { OutboxDatabase, OutboxRow } from '../outbox-database.js';
import { dialectBy, rowsOf, withoutNumbers, type ServerDialect } from './dialects.js';

/** What is used of Knex, and of a transaction of it. @publicApi */
export interface KnexLike {
  raw(sql: string, bindings: readonly never[]): PromiseLike<unknown>;
}

/** What is used of Knex. @publicApi */
export interface KnexWithTransactions extends KnexLike {
  readonly client?: { readonly dialect?: string };
  transaction<Result>(work: (transaction: KnexLike) => Promise<Result>): Promise<Result>;
}

const DIALECTS: Readonly<Record<string, ServerDialect>> = { postgresql: 'postgres', mysql: 'mysql' };

/**
 * Knex on PostgreSQL, MySQL or MariaDB; a transaction is what `knex.transaction` hands out.
 *
 * @throws ConfigurationError where it is of another database
 * @publicApi
 */
export function knexOutbox(knex: KnexWithTransactions): OutboxDatabase<KnexLike> {
  const dialect = dialectBy(DIALECTS, knex.client?.dialect ?? 'postgresql', 'Knex');
  const queryIn = async (on: KnexLike, sql: string, parameters: readonly unknown[]): Promise<readonly OutboxRow[]> => rowsOf(dialect, await on.raw(withoutNumbers(sql), [...parameters] as never[]));
  return {
    dialect, query: (sql, parameters) => queryIn(knex, sql, parameters), queryIn, transaction: (work) => knex.transaction((transaction) => work(transaction)),
  };
}
