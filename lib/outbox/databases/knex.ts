import type { OutboxDatabase, OutboxRow } from '../outbox-database.js';

/** What is used of Knex, and of a transaction of it. @publicApi */
export interface KnexLike {
  raw(sql: string, bindings: readonly never[]): PromiseLike<unknown>;
}

/** What is used of Knex. @publicApi */
export interface KnexWithTransactions extends KnexLike {
  transaction<Result>(work: (transaction: KnexLike) => Promise<Result>): Promise<Result>;
}

/** Knex on PostgreSQL; a transaction is what `knex.transaction` hands out. @publicApi */
export function knexOutbox(knex: KnexWithTransactions): OutboxDatabase<KnexLike> {
  const queryIn = async (on: KnexLike, sql: string, parameters: readonly unknown[]): Promise<readonly OutboxRow[]> => {
    const { rows = [] } = await on.raw(sql.replace(/\$\d+/g, '?'), [...parameters] as never[]) as { rows?: OutboxRow[] };
    return rows;
  };
  return { query: (sql, parameters) => queryIn(knex, sql, parameters), queryIn, transaction: (work) => knex.transaction((transaction) => work(transaction)) };
}
