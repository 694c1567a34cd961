import type { OutboxDatabase, OutboxRow } from '../outbox-database.js';

/** What is used of a database of Drizzle, and of a transaction of it. @publicApi */
export interface DrizzleLike {
  execute(query: never): PromiseLike<unknown>;
}

/** What is used of a database of Drizzle. @publicApi */
export interface DrizzleWithTransactions extends DrizzleLike {
  transaction<Result>(work: (transaction: DrizzleLike) => Promise<Result>): Promise<Result>;
}

/**
 * Drizzle on PostgreSQL by node-postgres; a transaction is what `db.transaction` hands out.
 *
 * @param sql the `sql` of drizzle-orm
 * @publicApi
 */
export function drizzleOutbox(db: DrizzleWithTransactions, sql: (strings: TemplateStringsArray, ...parameters: never[]) => unknown): OutboxDatabase<DrizzleLike> {
  const queryIn = async (on: DrizzleLike, text: string, parameters: readonly unknown[]): Promise<readonly OutboxRow[]> => {
    const strings = text.split(/\$\d+/);
    const query = sql(Object.assign(strings, { raw: strings }), ...parameters as never[]);
    const answer = await on.execute(query as never) as { rows?: OutboxRow[] } | OutboxRow[];
    return Array.isArray(answer) ? answer : answer.rows ?? [];
  };
  return { query: (text, parameters) => queryIn(db, text, parameters), queryIn, transaction: (work) => db.transaction((transaction) => work(transaction)) };
}
