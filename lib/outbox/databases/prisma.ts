import type { OutboxDatabase, OutboxRow } from '../outbox-database.js';
import { withoutNumbers, type ServerDialect } from './dialects.js';

/** What is used of a client of Prisma, and of a transaction of it. @publicApi */
export interface PrismaLike {
  $queryRawUnsafe(sql: string, ...parameters: never[]): PromiseLike<unknown>;
  $executeRawUnsafe(sql: string, ...parameters: never[]): PromiseLike<number>;
}

/** What is used of a client of Prisma. @publicApi */
export interface PrismaWithTransactions extends PrismaLike {
  $transaction<Result>(work: (transaction: PrismaLike) => Promise<Result>, options?: { maxWait?: number; timeout?: number }): Promise<Result>;
}

/** The relay sends within a transaction, and a handler with `inbox: true` runs in one: Prisma ends what takes longer than 5 s. */
const LONGEST_TRANSACTION_MS = 600_000;
const LONGEST_WAIT_MS = 30_000;

/**
 * A client of Prisma on PostgreSQL, MySQL or MariaDB; a transaction is what the interactive `$transaction` hands out.
 *
 * @param dialect of which database. Default: `postgres`
 * @publicApi
 */
export function prismaOutbox(client: PrismaWithTransactions, dialect: ServerDialect = 'postgres'): OutboxDatabase<PrismaLike> {
  const queryIn = async (on: PrismaLike, sql: string, parameters: readonly unknown[]): Promise<readonly OutboxRow[]> => {
    const [text, given] = [dialect === 'mysql' ? withoutNumbers(sql) : sql, [...parameters] as never[]];
    // What gives rows: of others Prisma would read what it cannot.
    if (/^select\b|\breturning \w+$/i.test(sql)) return await on.$queryRawUnsafe(text, ...given) as OutboxRow[];
    await on.$executeRawUnsafe(text, ...given);
    return [];
  };
  return {
    dialect, query: (sql, parameters) => queryIn(client, sql, parameters), queryIn,
    transaction: (work) => client.$transaction((transaction) => work(transaction), { timeout: LONGEST_TRANSACTION_MS, maxWait: LONGEST_WAIT_MS }),
  };
}
