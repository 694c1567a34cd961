import type Database from 'better-sqlite3';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { outboxTables } from '../../lib/outbox/index.js';
import { startScript, type Child } from '../support/processes.js';
import { startRabbitMq, type RabbitMqNode } from '../support/rabbitmq.js';
import { isSqliteMissing, openSqlite } from '../support/sqlite.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';
import { eventually } from '../support/wait.js';
import type { OutboxSqliteAppConfig } from './apps/outbox-sqlite-app.js';

/** Committed; as many more are rolled back. */
const ORDERS = process.env.DISPATCHER_FAULTS === 'full' ? 5_000 : 400;
const KILLS = ['orders', 'worker', 'worker', 'rabbitmq', 'orders', 'worker'] as const;
const LIMIT_MS = 240_000;

describe.skipIf(isSqliteMissing)('the outbox and the inbox in one file of SQLite, while its processes are killed', () => {
  const folder = temporaryFolder('outbox-sqlite');
  const file = join(folder, 'orders.db');
  let node: RabbitMqNode;
  let database: Database.Database;
  const children: Child[] = [];
  const killed = new Set<Child>();
  /** What those said that ended by themselves. */
  const surprises: string[] = [];

  beforeAll(async () => {
    database = openSqlite(file);
    database.pragma('journal_mode = WAL');
    for (const statement of ['CREATE TABLE orders (id TEXT PRIMARY KEY)', 'CREATE TABLE effects (id TEXT NOT NULL)', ...outboxTables('dispatcher', 'sqlite')]) database.exec(statement);
    node = await startRabbitMq();
  });
  afterAll(async () => {
    await Promise.all(children.map(kill9));
    await node.stop();
    database.close();
    removeFolder(folder);
  });

  async function start(orders: boolean): Promise<Child> {
    const config: OutboxSqliteAppConfig['config'] = {
      broker: node.url, exchange: 'orders', defaultRoutingKey: 'key', reconnectionIntervalSeconds: 0.2, startup: 'background', shutdownTimeoutSeconds: 5,
      ...orders ? { role: 'publisher' } : { workers: [{ name: 'w', queue: 'settle', bindingKeys: ['key'] }] },
    };
    const child = startScript('test/faults/apps/outbox-sqlite-app.ts', { args: [JSON.stringify({ file, config, orders } satisfies OutboxSqliteAppConfig)], env: { DISPATCHER_ROLE: '' } });
    children.push(child);
    void child.exited(LIMIT_MS * 3).then(() => { if (!killed.has(child)) surprises.push(child.stderr.slice(-2_000)); });
    await child.line(/^ready$/, 60_000);
    return child;
  }

  function kill9(child: Child): Promise<unknown> {
    killed.add(child);
    return child.stop();
  }

  const idsOf = (table: string): string[] => (database.prepare(`SELECT id FROM ${table}`).all() as { id: string }[]).map(({ id }) => id);
  const countOf = (table: string): Promise<number> => Promise.resolve((database.prepare(`SELECT COUNT(*) AS count FROM ${table}`).get() as { count: number }).count);

  it('sends exactly what was committed, and each effect is there once', async () => {
    const running = { orders: await start(true), workers: [await start(false), await start(false)] };
    for (const [index, kill] of KILLS.entries()) {
      const due = Math.floor(ORDERS / (KILLS.length + 1) * (index + 1));
      await eventually(() => countOf('orders'), (count) => count >= due, `${due} orders`, { limitMs: LIMIT_MS });
      await KILLERS[kill](running);
    }
    await eventually(() => countOf('orders'), (count) => count >= ORDERS, `${ORDERS} orders`, { limitMs: LIMIT_MS });
    await kill9(running.orders);
    const committed = idsOf('orders');
    await eventually(() => countOf('effects'), (count) => count >= committed.length, 'an effect for each', { limitMs: LIMIT_MS });
    await eventually(() => countOf('dispatcher_outbox'), (count) => count === 0, 'the outbox to be empty', { limitMs: LIMIT_MS });
    expect(surprises).toEqual([]);
    expect(idsOf('effects').toSorted()).toEqual(committed.toSorted());
    expect(committed.every((id) => Number(id.split('-')[1]) % 2 === 0)).toBe(true);
    expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
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
    rabbitmq: async () => {
      await node.kill9();
      await node.start();
    },
  };
});
