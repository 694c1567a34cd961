import type { OutboxDatabase, OutboxRow } from '../outbox-database.js';
import { rowsOf, withoutNumbers } from './dialects.js';

/** What is used of a connection of mysql2. @publicApi */
export interface Mysql2Connection {
  query(sql: string, values: never): Promise<[unknown, unknown]>;
}

/** A connection that a pool has handed out. @publicApi */
export interface Mysql2PoolConnection extends Mysql2Connection {
  beginTransaction(): Promise<unknown>;
  commit(): Promise<unknown>;
  rollback(): Promise<unknown>;
  release(): void;
  destroy(): void;
}

/** What is used of a pool of mysql2. @publicApi */
export interface Mysql2Pool extends Mysql2Connection {
  getConnection(): Promise<Mysql2PoolConnection>;
}

/** A pool of `mysql2/promise`, on MySQL or MariaDB; a transaction is a connection after `beginTransaction`. @publicApi */
export function mysql2Outbox(pool: Mysql2Pool): OutboxDatabase<Mysql2Connection> {
  const queryIn = async (connection: Mysql2Connection, sql: string, parameters: readonly unknown[]): Promise<readonly OutboxRow[]> => rowsOf('mysql', await connection.query(withoutNumbers(sql), [...parameters] as never));
  return { dialect: 'mysql', query: (sql, parameters) => queryIn(pool, sql, parameters), queryIn, transaction: (work) => inTransaction(pool, work) };
}

async function inTransaction<Result>(pool: Mysql2Pool, work: (connection: Mysql2Connection) => Promise<Result>): Promise<Result> {
  const connection = await pool.getConnection();
  let isBroken = false;
  try {
    await connection.beginTransaction();
    const result = await work(connection);
    await connection.commit();
    return result;
  } catch (error) {
    // A connection that cannot even roll back is of no use to others.
    await connection.rollback().catch(() => { isBroken = true; });
    throw error;
  } finally {
    if (isBroken) connection.destroy();
    else connection.release();
  }
}
