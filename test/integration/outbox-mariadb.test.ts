import { MikroORM } from '@mikro-orm/mariadb';
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/mysql2';
import knexOf from 'knex';
import { CompiledQuery, Kysely, MysqlDialect } from 'kysely';
import { createPool as createCallbackPool } from 'mysql2';
import type { Pool } from 'mysql2/promise';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drizzleOutbox, knexOutbox, kyselyOutbox, mikroOrmOutbox, mysql2Outbox, prismaOutbox, typeOrmOutbox, type Mysql2Connection } from '../../lib/outbox/index.js';
import { MariaDbServer, noMariaDb } from '../support/mariadb.js';
import { isPrismaMissing, prismaOnMariaDb } from '../support/prisma.js';
import { outboxContract, startOutbox, text, worksInTransactions } from '../support/outbox-contract.js';
import { eventually } from '../support/wait.js';

let mariaDb: MariaDbServer;
let pool: Pool;
const cleaning: (() => Promise<unknown>)[] = [];

/** Runs the work in a transaction of mysql2's own. */
async function inTransaction(work: (connection: Mysql2Connection) => Promise<void>, end: 'COMMIT' | 'ROLLBACK' = 'COMMIT'): Promise<void> {
  const connection = await pool.getConnection();
  await connection.beginTransaction();
  await work(connection);
  await connection.query(end);
  connection.release();
}

describe.skipIf(noMariaDb !== undefined)('the outbox on MariaDB', () => {
  beforeAll(async () => {
    mariaDb = await MariaDbServer.start();
    cleaning.push(() => mariaDb.stop());
    pool = mariaDb.pool(20);
    cleaning.push(() => pool.end());
    await pool.query('CREATE TABLE charges (amount INTEGER)');
  });
  afterAll(async () => {
    for (const clean of cleaning.reverse()) await clean();
  });

  outboxContract(() => ({ database: mysql2Outbox(pool), inTransaction }));

  it('tells uuids apart byte by byte, and one that is there already from one that is new', async () => {
    const { service, tasks, tablePrefix } = await startOutbox(mysql2Outbox(pool));
    const uuids = ['charge', 'Charge', 'charge ', 'chargé', 'charge'];
    for (const uuid of uuids) await service.publish({ name: 'charge', uuid, args: [{ type: 'int', value: 5 }] });
    await tasks.ran.count(4);
    await service.publish({ name: 'note', args: text('after them') });
    await tasks.ran.count(5);
    const [rows] = await pool.query(`SELECT CAST(uuid AS CHAR CHARACTER SET utf8mb4) AS uuid FROM ${tablePrefix}_inbox`);
    expect((rows as { uuid: string }[]).map(({ uuid }) => uuid).toSorted()).toEqual([...new Set(uuids)].toSorted());
  });

  it('removes what is sent while others add and have not committed', async () => {
    const { outbox, service, tasks } = await startOutbox(mysql2Outbox(pool), { pollSeconds: 0.1 });
    const open = await pool.getConnection();
    await open.beginTransaction();
    await outbox.within(open, async () => { await service.publish('note', 'open for long'); });
    await inTransaction((connection) => outbox.within(connection, async () => { await service.publish('note', 'committed'); }));
    await tasks.ran.count(1);
    await eventually(() => outbox.lag(), ({ waiting }) => waiting === 0, 'what is committed to be removed', { limitMs: 10_000 });
    await open.commit();
    open.release();
    await tasks.ran.count(2);
    expect(tasks.ran.all).toEqual(['committed', 'open for long']);
  });

  it('works in transactions of TypeORM', async () => {
    const dataSource = await new DataSource({ type: 'mysql', url: mariaDb.url }).initialize();
    await worksInTransactions({ database: typeOrmOutbox(dataSource), run: (work) => dataSource.transaction(work), end: () => dataSource.destroy() });
  });

  it('works in transactions of Knex', async () => {
    const knex = knexOf({ client: 'mysql2', connection: mariaDb.url });
    await worksInTransactions({ database: knexOutbox(knex), run: (work) => knex.transaction(work), end: () => knex.destroy() });
  });

  it('works in transactions of MikroORM', async () => {
    const orm = await MikroORM.init({ clientUrl: mariaDb.url, entities: [], discovery: { warnWhenNoEntities: false } });
    await worksInTransactions({ database: mikroOrmOutbox(orm, 'mysql'), run: (work) => orm.em.fork().transactional(work), end: () => orm.close() });
  });

  it.skipIf(isPrismaMissing)('works in transactions of Prisma', async () => {
    const client = prismaOnMariaDb(mariaDb.url);
    await worksInTransactions({ database: prismaOutbox(client, 'mysql'), run: (work) => client.$transaction(work), end: () => client.$disconnect() });
  });

  it('works in transactions of Kysely', async () => {
    const db = new Kysely<unknown>({ dialect: new MysqlDialect({ pool: createCallbackPool({ uri: mariaDb.url }) }) });
    await worksInTransactions({ database: kyselyOutbox(db, CompiledQuery, 'mysql'), run: (work) => db.transaction().execute(work), end: () => db.destroy() });
  });

  it('works in transactions of Drizzle', async () => {
    const own = mariaDb.pool(5);
    const db = drizzle(own);
    await worksInTransactions({ database: drizzleOutbox(db, sql, 'mysql'), run: (work) => db.transaction(work), end: () => own.end() });
  });
});
