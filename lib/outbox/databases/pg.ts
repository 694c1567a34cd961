import type { OutboxDatabase, OutboxRow } from '../outbox-database.js';

/** What is used of a client of pg. @publicApi */
export interface PgClient {
  query(sql: string, parameters?: unknown[]): Promise<{ rows: unknown[] }>;
}

/** A client that a pool has handed out. @publicApi */
export interface PgPoolClient extends PgClient {
  release(error?: Error | boolean): void;
  on(event: 'notification' | 'error' | 'end', listener: (error: Error) => void): unknown;
  off(event: 'notification' | 'error' | 'end', listener: (error: Error) => void): unknown;
}

/** What is used of a pool of pg. @publicApi */
export interface PgPool extends PgClient {
  connect(): Promise<PgPoolClient>;
  on?(event: 'connect', listener: (client: PgPoolClient) => void): unknown;
}

/** Pools of which each client has a listener. */
const heard = new WeakSet<PgPool>();

/** A pool of `pg`; a transaction is a client on which BEGIN was said. @publicApi */
export function pgOutbox(pool: PgPool): OutboxDatabase<PgClient> {
  // A database that ends just as it has let a client in says so before anybody who waits for that client can listen, and unheard it would end the process.
  if (!heard.has(pool)) pool.on?.('connect', (client) => { client.on('error', ignored); });
  heard.add(pool);
  const queryIn = async (client: PgClient, sql: string, parameters: readonly unknown[]): Promise<OutboxRow[]> => (await client.query(sql, [...parameters])).rows as OutboxRow[];
  return {
    query: (sql, parameters) => queryIn(pool, sql, parameters),
    queryIn,
    transaction: (work) => inTransaction(pool, work),
    listen: (channel, onNotice, onLost) => listen(pool, channel, onNotice, onLost),
  };
}

function ignored(): void {
  // Whoever has the client hears of it by its queries.
}

async function inTransaction<Result>(pool: PgPool, work: (client: PgClient) => Promise<Result>): Promise<Result> {
  const client = await pool.connect();
  let broken: Error | undefined;
  // Its queries tell of a lost connection; unheard, the event would end the process.
  const noted = (error: Error): void => { broken = error; };
  client.on('error', noted);
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    // A client that cannot even roll back is of no use to others.
    await client.query('ROLLBACK').catch((reason: Error) => { broken = reason; });
    throw error;
  } finally {
    client.off('error', noted);
    client.release(broken);
  }
}

/** On a client of its own, for as long as it is listened. */
async function listen(pool: PgPool, channel: string, onNotice: () => void, onLost: (error?: Error) => void): Promise<() => Promise<void>> {
  const client = await pool.connect();
  let isOver = false;
  const over = (error?: Error): void => {
    if (isOver) return;
    isOver = true;
    client.off('notification', onNotice);
    client.release(error ?? true);
    onLost(error);
  };
  client.on('notification', onNotice);
  client.on('error', over);
  client.on('end', over);
  try {
    await client.query(`LISTEN ${channel}`);
  } catch (error) {
    over(error as Error);
    throw error;
  }
  return () => {
    over();
    return Promise.resolve();
  };
}
