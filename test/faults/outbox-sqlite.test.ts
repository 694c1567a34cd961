import type Database from 'better-sqlite3';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { outboxTables } from '../../lib/outbox/index.js';
import { startRabbitMq } from '../support/rabbitmq.js';
import { isSqliteMissing, openSqlite } from '../support/sqlite.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';
import { OutboxStage, STAGE_LIMIT_MS } from './outbox-stage.js';

/** Committed; as many more are rolled back. */
const ORDERS = process.env.DISPATCHER_FAULTS === 'full' ? 5_000 : 400;
const KILLS = ['orders', 'worker', 'worker', 'rabbitmq', 'orders', 'worker'] as const;

describe.skipIf(isSqliteMissing)('the outbox and the inbox in one file of SQLite, while its processes are killed', () => {
  let database: Database.Database;
  let stage: OutboxStage;
  const cleaning: (() => unknown)[] = [];

  beforeAll(async () => {
    const folder = temporaryFolder('outbox-sqlite');
    cleaning.push(() => removeFolder(folder));
    const file = join(folder, 'orders.db');
    database = openSqlite(file);
    cleaning.push(() => database.close());
    database.pragma('journal_mode = WAL');
    for (const statement of ['CREATE TABLE orders (id TEXT PRIMARY KEY)', 'CREATE TABLE effects (id TEXT NOT NULL)', ...outboxTables('dispatcher', 'sqlite')]) database.exec(statement);
    const node = await startRabbitMq();
    cleaning.push(() => node.stop());
    stage = new OutboxStage({ script: 'test/faults/apps/outbox-sqlite-app.ts', database: file, node, countOf });
    cleaning.push(() => stage.stop());
  });
  afterAll(async () => {
    for (const clean of cleaning.reverse()) await clean();
  });

  const idsOf = (table: string): string[] => (database.prepare(`SELECT id FROM ${table}`).all() as { id: string }[]).map(({ id }) => id);
  const countOf = (table: string): Promise<number> => Promise.resolve((database.prepare(`SELECT COUNT(*) AS count FROM ${table}`).get() as { count: number }).count);

  it('sends exactly what was committed, and each effect is there once', async () => {
    const committed = await stage.run(ORDERS, KILLS, () => Promise.resolve(idsOf('orders')));
    expect(stage.surprises).toEqual([]);
    expect(idsOf('effects').toSorted()).toEqual(committed.toSorted());
    expect(committed.every((id) => Number(id.split('-')[1]) % 2 === 0)).toBe(true);
    expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
  }, STAGE_LIMIT_MS * 2);
});
