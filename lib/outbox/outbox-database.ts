/** One row of an answer, by the names of its columns. @publicApi */
export type OutboxRow = Readonly<Record<string, unknown>>;

/** How a database is spoken to; `mysql` is MariaDB too. @publicApi */
export type OutboxDialectName = 'postgres' | 'mysql' | 'sqlite';

/**
 * A PostgreSQL, MySQL, MariaDB or SQLite database, in the words of the library that the application already uses for it. There are some
 * for pg, mysql2, TypeORM, Prisma, MikroORM, Knex, Kysely, Drizzle and better-sqlite3; for another library write these functions.
 *
 * Statements have `$1`, `$2`, ... for their parameters, each once and in this order.
 *
 * @publicApi
 */
export interface OutboxDatabase<Transaction> {
  /** Which one it is. Default: `postgres`. */
  readonly dialect?: OutboxDialectName;
  /** Runs a statement by itself. @throws what the database says */
  query(sql: string, parameters: readonly unknown[]): Promise<readonly OutboxRow[]>;
  /** Runs a statement within a transaction of the application. @throws what the database says */
  queryIn(transaction: Transaction, sql: string, parameters: readonly unknown[]): Promise<readonly OutboxRow[]>;
  /** Runs the work in a new transaction: commits when it resolves, rolls back and rejects when it rejects. */
  transaction<Result>(work: (transaction: Transaction) => Promise<Result>): Promise<Result>;
  /**
   * Calls `onNotice` for each notice on the channel (of PostgreSQL, a NOTIFY) until it is stopped. `onLost` once, when the
   * connection for it has ended. Default: tasks are looked for every `pollSeconds` only.
   */
  listen?(channel: string, onNotice: () => void, onLost: (error?: Error) => void): Promise<() => Promise<void>>;
}
