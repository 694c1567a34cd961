import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { outboxTables, type OutboxDialectName } from '../../lib/outbox/index.js';
import { MariaDbServer, noMariaDb } from '../support/mariadb.js';
import { noPostgres, PostgresServer } from '../support/postgres.js';
import { startRabbitMq } from '../support/rabbitmq.js';
import { eventually } from '../support/wait.js';
import { OutboxStage, STAGE_LIMIT_MS } from './outbox-stage.js';

/** Committed; as many more are rolled back. */
const ORDERS = process.env.DISPATCHER_FAULTS === 'full' ? 5_000 : 300;
const KILLS = ['orders', 'worker', 'database', 'worker', 'rabbitmq', 'orders', 'database'] as const;

/** A server that is killed, and what the test itself asks of it. */
interface Database {
  readonly url: string;
  rows(sql: string): Promise<Record<string, unknown>[]>;
  killAndStart(): Promise<void>;
  stop(): Promise<void>;
}

async function startPostgres(): Promise<Database> {
  const server = await PostgresServer.start();
  const pool = new pg.Pool({ connectionString: server.url, max: 3 });
  pool.on('error', () => undefined);
  return {
    url: server.url, killAndStart: () => server.killAndStart(), rows: async (sql) => (await pool.query(sql)).rows as Record<string, unknown>[],
    stop: async () => {
      await pool.end();
      await server.stop();
    },
  };
}

async function startMariaDb(): Promise<Database> {
  const server = await MariaDbServer.start();
  const pool = server.pool(3);
  return {
    url: server.url, killAndStart: () => server.killAndStart(), rows: async (sql) => (await pool.query(sql))[0] as Record<string, unknown>[],
    stop: async () => {
      await pool.end();
      await server.stop();
    },
  };
}

const SERVERS: readonly { name: string; missing: string | undefined; start: () => Promise<Database>; dialect: OutboxDialectName; script: string }[] = [
  { name: 'PostgreSQL', missing: noPostgres, start: startPostgres, dialect: 'postgres', script: 'test/faults/apps/outbox-app.ts' },
  { name: 'MariaDB', missing: noMariaDb, start: startMariaDb, dialect: 'mysql', script: 'test/faults/apps/outbox-mariadb-app.ts' },
];

for (const { name, missing, start, dialect, script } of SERVERS) {
  describe(`the outbox and the inbox on ${name}, while everything is killed`, { skip: missing !== undefined }, () => {
    let database: Database;
    let stage: OutboxStage;
    const cleaning: (() => Promise<unknown>)[] = [];

    beforeAll(async () => {
      database = await start();
      cleaning.push(() => database.stop());
      const node = await startRabbitMq();
      cleaning.push(() => node.stop());
      for (const statement of ['CREATE TABLE orders (id VARCHAR(100) PRIMARY KEY)', 'CREATE TABLE effects (id VARCHAR(100) NOT NULL)', ...outboxTables('dispatcher', dialect)]) await database.rows(statement);
      stage = new OutboxStage({ script, database: database.url, node, countOf, killDatabase: () => database.killAndStart() });
      cleaning.push(() => stage.stop());
    });
    afterAll(async () => {
      for (const clean of cleaning.reverse()) await clean();
    });

    const idsOf = async (table: string): Promise<string[]> => (await database.rows(`SELECT id FROM ${table}`)).map(({ id }) => id as string);
    /** Also while the database comes back. */
    const countOf = (table: string): Promise<number> => eventually(async () => Number((await database.rows(`SELECT COUNT(*) AS count FROM ${table}`))[0]?.count), (count) => count >= 0, `the count of ${table}`, { limitMs: STAGE_LIMIT_MS });

    it('sends exactly what was committed, and each effect is there once', async () => {
      const committed = await stage.run(ORDERS, KILLS, () => idsOf('orders'));
      const effects = await idsOf('effects');
      expect(stage.surprises).toEqual([]);
      expect(effects.toSorted()).toEqual(committed.toSorted());
      expect(committed.every((id) => Number(id.split('-')[1]) % 2 === 0)).toBe(true);
    }, STAGE_LIMIT_MS * 2);
  });
}
