import type Database from 'better-sqlite3';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { betterSqlite3Outbox, type BetterSqlite3Outbox } from '../../lib/outbox/index.js';
import { outboxContract, startOutbox } from '../support/outbox-contract.js';
import { isSqliteMissing, openSqlite } from '../support/sqlite.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';
import { onTestFinished } from '../support/test-end.js';
import { eventually } from '../support/wait.js';

let folder: string;
let database: BetterSqlite3Outbox<Database.Database>;

const ROLLED_BACK = new Error('rolled back');
const open = () => openSqlite(join(folder, 'orders.db'));

async function inTransaction(work: (connection: Database.Database) => Promise<void>, end: 'COMMIT' | 'ROLLBACK' = 'COMMIT'): Promise<void> {
  const running = database.transaction(async (connection) => {
    await work(connection);
    if (end === 'ROLLBACK') throw ROLLED_BACK;
  });
  if (end === 'ROLLBACK') await expect(running).rejects.toBe(ROLLED_BACK);
  else await running;
}

describe.skipIf(isSqliteMissing)('the outbox on SQLite', () => {
  beforeAll(async () => {
    folder = temporaryFolder('outbox');
    database = betterSqlite3Outbox(open);
    await database.query('CREATE TABLE charges (amount INTEGER)', []);
  });
  afterAll(async () => {
    await database.close();
    removeFolder(folder);
  });

  outboxContract(() => ({ database, inTransaction }));

  it('keeps what is published in a transaction of a connection of the application, and finds it when it looks', async () => {
    const { outbox, service, tasks } = await startOutbox(database, { pollSeconds: 0.1 });
    const own = open();
    onTestFinished(() => { own.close(); });
    own.exec('BEGIN IMMEDIATE');
    await outbox.within(own, async () => { await service.publish('note', 'of my own'); });
    own.exec('COMMIT');
    await tasks.ran.count(1);
    await expect(outbox.within(own, async () => { await service.publish('note', 'too late'); })).rejects.toThrow('Found no transaction');
  });

  it('sends what a process has left whose lease is over, and nothing of a lease that holds', async () => {
    const { outbox, service, tasks, tablePrefix } = await startOutbox(database, { pollSeconds: 0.1 });
    const lease = (untilMs: number) => database.query(`UPDATE ${tablePrefix}_outbox_lanes SET owner = 'another', leased_until = $1`, [untilMs]);
    await lease(Date.now() + 8_000);
    await inTransaction((connection) => outbox.within(connection, async () => { await service.publish('note', 'left'); }));
    await service.publish('note', 'after it');
    await tasks.ran.count(1);
    expect(tasks.ran.all).toEqual(['after it']);
    await lease(Date.now() - 1);
    await tasks.ran.count(2);
    await eventually(() => outbox.lag(), ({ waiting }) => waiting === 0, 'the outbox to be empty');
    // A clock that was set back by a day in between.
    await lease(Date.now() + 86_400_000);
    await inTransaction((connection) => outbox.within(connection, async () => { await service.publish('note', 'still'); }));
    await tasks.ran.count(3);
  });
});
