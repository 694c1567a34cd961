import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { outboxTables } from '../../lib/outbox/index.js';
import { noPostgres, PostgresServer } from '../support/postgres.js';
import { startRabbitMq } from '../support/rabbitmq.js';
import { eventually } from '../support/wait.js';
import { OutboxStage, STAGE_LIMIT_MS } from './outbox-stage.js';

/** Committed; as many more are rolled back. */
const ORDERS = process.env.DISPATCHER_FAULTS === 'full' ? 5_000 : 800;
const KILLS = ['orders', 'worker', 'database', 'worker', 'rabbitmq', 'orders', 'database'] as const;

describe.skipIf(noPostgres !== undefined)('the outbox and the inbox, while everything is killed', () => {
  let pool: pg.Pool;
  let stage: OutboxStage;
  const cleaning: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    const postgres = await PostgresServer.start();
    cleaning.push(() => postgres.stop());
    const node = await startRabbitMq();
    cleaning.push(() => node.stop());
    pool = new pg.Pool({ connectionString: postgres.url, max: 3 });
    cleaning.push(() => pool.end());
    pool.on('error', () => undefined);
    for (const statement of ['CREATE TABLE orders (id TEXT PRIMARY KEY)', 'CREATE TABLE effects (id TEXT NOT NULL)', ...outboxTables()]) await pool.query(statement);
    stage = new OutboxStage({ script: 'test/faults/apps/outbox-app.ts', database: postgres.url, node, countOf, killDatabase: () => postgres.killAndStart() });
    cleaning.push(() => stage.stop());
  });
  afterAll(async () => {
    for (const clean of cleaning.reverse()) await clean();
  });

  const idsOf = async (table: string): Promise<string[]> => (await pool.query<{ id: string }>(`SELECT id FROM ${table}`)).rows.map(({ id }) => id);
  /** Also while the database comes back. */
  const countOf = (table: string): Promise<number> => eventually(async () => Number((await pool.query(`SELECT COUNT(*) AS count FROM ${table}`)).rows[0].count), (count) => count >= 0, `the count of ${table}`, { limitMs: STAGE_LIMIT_MS });

  it('sends exactly what was committed, and each effect is there once', async () => {
    const committed = await stage.run(ORDERS, KILLS, () => idsOf('orders'));
    const effects = await idsOf('effects');
    expect(stage.surprises).toEqual([]);
    expect(effects.toSorted()).toEqual(committed.toSorted());
    expect(committed.every((id) => Number(id.split('-')[1]) % 2 === 0)).toBe(true);
  }, STAGE_LIMIT_MS * 2);
});
