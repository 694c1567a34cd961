import { drizzle } from 'drizzle-orm/node-postgres';
import { sql } from 'drizzle-orm';
import knexOf from 'knex';
import { CompiledQuery, Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drizzleOutbox, knexOutbox, kyselyOutbox, pgOutbox, typeOrmOutbox, type OutboxDatabase, type PgClient } from '../../lib/outbox/index.js';
import { outboxContract, startOutbox, text } from '../support/outbox-contract.js';
import { noPostgres, PostgresServer } from '../support/postgres.js';
import { onTestFinished } from '../support/test-end.js';
import { eventually } from '../support/wait.js';

let postgres: PostgresServer;
let pool: pg.Pool;
const cleaning: (() => Promise<unknown>)[] = [];

/** Runs the work in a transaction of pg's own. */
async function inTransaction(work: (client: PgClient) => Promise<void>, end: 'COMMIT' | 'ROLLBACK' = 'COMMIT'): Promise<void> {
  const client = await pool.connect();
  await client.query('BEGIN');
  await work(client);
  await client.query(end);
  client.release();
}

describe.skipIf(noPostgres !== undefined)('the outbox on PostgreSQL', () => {
  beforeAll(async () => {
    postgres = await PostgresServer.start();
    cleaning.push(() => postgres.stop());
    pool = new pg.Pool({ connectionString: postgres.url, max: 20 });
    cleaning.push(() => pool.end());
    pool.on('error', () => undefined);
    await pool.query('CREATE TABLE charges (amount INTEGER)');
  });
  afterAll(async () => {
    for (const clean of cleaning.reverse()) await clean();
  });

  outboxContract(() => ({ database: pgOutbox(pool), inTransaction }));

  interface Opened<Transaction> { database: OutboxDatabase<Transaction>; run(work: (transaction: Transaction) => Promise<void>): Promise<unknown>; end(): Promise<unknown> }

  async function worksIn<Transaction>({ database, run, end }: Opened<Transaction>): Promise<void> {
    onTestFinished(async () => { await end(); });
    const { outbox, service, tasks } = await startOutbox(database, { pollSeconds: 0.1 });
    await run((transaction) => outbox.within(transaction, async () => { await service.publish('note', 'committed'); }));
    await expect(run((transaction) => outbox.within(transaction, async () => {
      await service.publish('note', 'rolled back');
      throw new Error('no');
    }))).rejects.toThrow('no');
    await run((transaction) => outbox.within(transaction, async () => { await service.publish({ name: 'note', args: text('nowhere'), routingKey: 'nowhere' }); }));
    await tasks.ran.count(1);
    await eventually(() => outbox.lag(), ({ failing, waiting }) => failing === 1 && waiting === 1, 'one to be sent, and one to fail');
    expect(tasks.ran.all).toEqual(['committed']);
  }

  it('works in transactions of TypeORM', async () => {
    const dataSource = await new DataSource({ type: 'postgres', url: postgres.url }).initialize();
    await worksIn({ database: typeOrmOutbox(dataSource), run: (work) => dataSource.transaction(work), end: () => dataSource.destroy() });
  });

  it('works in transactions of Knex', async () => {
    const knex = knexOf({ client: 'pg', connection: postgres.url });
    await worksIn({ database: knexOutbox(knex), run: (work) => knex.transaction(work), end: () => knex.destroy() });
  });

  it('works in transactions of Kysely', async () => {
    const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: postgres.url }) }) });
    await worksIn({ database: kyselyOutbox(db, CompiledQuery), run: (work) => db.transaction().execute(work), end: () => db.destroy() });
  });

  it('works in transactions of Drizzle', async () => {
    const own = new pg.Pool({ connectionString: postgres.url });
    const db = drizzle(own);
    await worksIn({ database: drizzleOutbox(db, sql), run: (work) => db.transaction(work), end: () => own.end() });
  });
});
