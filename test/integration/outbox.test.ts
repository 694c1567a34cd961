import { MikroORM } from '@mikro-orm/postgresql';
import { drizzle } from 'drizzle-orm/node-postgres';
import { sql } from 'drizzle-orm';
import knexOf from 'knex';
import { CompiledQuery, Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { drizzleOutbox, knexOutbox, kyselyOutbox, mikroOrmOutbox, pgOutbox, prismaOutbox, typeOrmOutbox, type PgClient } from '../../lib/outbox/index.js';
import { outboxContract, worksInTransactions } from '../support/outbox-contract.js';
import { noPostgres, PostgresServer } from '../support/postgres.js';
import { isPrismaMissing, prismaOnPostgres } from '../support/prisma.js';

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

  it('works in transactions of TypeORM', async () => {
    const dataSource = await new DataSource({ type: 'postgres', url: postgres.url }).initialize();
    await worksInTransactions({ database: typeOrmOutbox(dataSource), run: (work) => dataSource.transaction(work), end: () => dataSource.destroy() });
  });

  it('works in transactions of Knex', async () => {
    const knex = knexOf({ client: 'pg', connection: postgres.url });
    await worksInTransactions({ database: knexOutbox(knex), run: (work) => knex.transaction(work), end: () => knex.destroy() });
  });

  it('works in transactions of Kysely', async () => {
    const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: postgres.url }) }) });
    await worksInTransactions({ database: kyselyOutbox(db, CompiledQuery), run: (work) => db.transaction().execute(work), end: () => db.destroy() });
  });

  it('works in transactions of MikroORM', async () => {
    const orm = await MikroORM.init({ clientUrl: postgres.url, entities: [], discovery: { warnWhenNoEntities: false } });
    await worksInTransactions({ database: mikroOrmOutbox(orm), run: (work) => orm.em.fork().transactional(work), end: () => orm.close() });
  });

  it.skipIf(isPrismaMissing)('works in transactions of Prisma', async () => {
    const client = prismaOnPostgres(postgres.url);
    await worksInTransactions({ database: prismaOutbox(client), run: (work) => client.$transaction(work), end: () => client.$disconnect() });
  });

  it('works in transactions of Drizzle', async () => {
    const own = new pg.Pool({ connectionString: postgres.url });
    const db = drizzle(own);
    await worksInTransactions({ database: drizzleOutbox(db, sql), run: (work) => db.transaction(work), end: () => own.end() });
  });
});
