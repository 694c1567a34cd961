import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { outboxTables } from '../../lib/outbox/index.js';
import { noPostgres, PostgresServer } from '../support/postgres.js';
import { startScript, type Child } from '../support/processes.js';
import { startRabbitMq, type RabbitMqNode } from '../support/rabbitmq.js';
import { eventually } from '../support/wait.js';
import type { OutboxAppConfig } from './apps/outbox-app.js';

/** Committed; as many more are rolled back. */
const ORDERS = process.env.DISPATCHER_FAULTS === 'full' ? 5_000 : 800;
const KILLS = ['orders', 'worker', 'postgres', 'worker', 'rabbitmq', 'orders', 'postgres'] as const;
const LIMIT_MS = 240_000;

describe.skipIf(noPostgres !== undefined)('the outbox and the inbox, while everything is killed', () => {
  let postgres: PostgresServer;
  let node: RabbitMqNode;
  let pool: pg.Pool;
  const children: Child[] = [];
  const cleaning: (() => Promise<unknown>)[] = [];
  const killed = new Set<Child>();
  /** What those said that ended by themselves. */
  const surprises: string[] = [];

  beforeAll(async () => {
    postgres = await PostgresServer.start();
    cleaning.push(() => postgres.stop());
    node = await startRabbitMq();
    cleaning.push(() => node.stop());
    pool = new pg.Pool({ connectionString: postgres.url, max: 3 });
    cleaning.push(() => pool.end());
    pool.on('error', () => undefined);
    for (const statement of ['CREATE TABLE orders (id TEXT PRIMARY KEY)', 'CREATE TABLE effects (id TEXT NOT NULL)', ...outboxTables()]) await pool.query(statement);
  });
  afterAll(async () => {
    await Promise.all(children.map(kill9));
    for (const clean of cleaning.reverse()) await clean();
  });

  async function start(orders: boolean): Promise<Child> {
    const worker = { name: 'w', queue: 'settle', bindingKeys: ['key'] };
    const config: OutboxAppConfig['config'] = {
      broker: node.url, exchange: 'orders', defaultRoutingKey: 'key', reconnectionIntervalSeconds: 0.2, startup: 'background', shutdownTimeoutSeconds: 5,
      ...orders ? { role: 'publisher' } : { workers: [worker] },
    };
    const child = startScript('test/faults/apps/outbox-app.ts', { args: [JSON.stringify({ postgres: postgres.url, config, orders } satisfies OutboxAppConfig)], env: { DISPATCHER_ROLE: '' } });
    children.push(child);
    void child.exited(LIMIT_MS * 3).then(() => { if (!killed.has(child)) surprises.push(child.stderr.slice(-2_000)); });
    await child.line(/^ready$/, 60_000);
    return child;
  }

  function kill9(child: Child): Promise<unknown> {
    killed.add(child);
    return child.stop();
  }

  /** Also while the database comes back. */
  const countOf = (what: string): Promise<number> => eventually(async () => Number((await pool.query(`SELECT COUNT(*) AS count FROM ${what}`)).rows[0].count), (count) => count >= 0, `the count of ${what}`, { limitMs: LIMIT_MS });

  it('sends exactly what was committed, and each effect is there once', async () => {
    const running = { orders: await start(true), workers: [await start(false), await start(false)] };
    for (const [index, kill] of KILLS.entries()) {
      const due = Math.floor(ORDERS / (KILLS.length + 1) * (index + 1));
      await eventually(() => countOf('orders'), (count) => count >= due, `${due} orders`, { limitMs: LIMIT_MS });
      await KILLERS[kill](running);
    }
    await eventually(() => countOf('orders'), (count) => count >= ORDERS, `${ORDERS} orders`, { limitMs: LIMIT_MS });
    await kill9(running.orders);
    const committed = (await pool.query('SELECT id FROM orders')).rows.map(({ id }) => id as string);
    await eventually(() => countOf('effects'), (count) => count >= committed.length, 'an effect for each', { limitMs: LIMIT_MS });
    await eventually(() => countOf('dispatcher_outbox'), (count) => count === 0, 'the outbox to be empty', { limitMs: LIMIT_MS });
    const effects = (await pool.query('SELECT id FROM effects')).rows.map(({ id }) => id as string);
    expect(surprises).toEqual([]);
    expect(effects.toSorted()).toEqual(committed.toSorted());
    expect(committed.every((id) => Number(id.split('-')[1]) % 2 === 0)).toBe(true);
  }, LIMIT_MS * 2);

  const KILLERS: Record<typeof KILLS[number], (running: { orders: Child; workers: Child[] }) => Promise<void>> = {
    orders: async (running) => {
      await kill9(running.orders);
      running.orders = await start(true);
    },
    worker: async ({ workers }) => {
      await kill9(workers.shift() as Child);
      workers.push(await start(false));
    },
    postgres: () => postgres.killAndStart(),
    rabbitmq: async () => {
      await node.kill9();
      await node.start();
    },
  };
});
