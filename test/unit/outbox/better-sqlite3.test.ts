import type Database from 'better-sqlite3';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { betterSqlite3Outbox, outboxTables, type BetterSqlite3Outbox } from '../../../lib/outbox/index.js';
import { sqlOf } from '../../../lib/outbox/tables.js';
import { removeFolder, temporaryFolder } from '../../support/temporary-folder.js';
import { isSqliteMissing, openSqlite } from '../../support/sqlite.js';

type Outbox = BetterSqlite3Outbox<Database.Database>;

let folder: string;
let opened: Database.Database[];
let outboxes: Outbox[];

const open = (): Database.Database => {
  const connection = openSqlite(join(folder, 'test.db'));
  opened.push(connection);
  return connection;
};

const outboxOn = (opener: () => Database.Database = open): Outbox => {
  const outbox = betterSqlite3Outbox(opener);
  outboxes.push(outbox);
  return outbox;
};

const numbers = async (outbox: Outbox) => (await outbox.query('SELECT a FROM t ORDER BY a', [])).map(({ a }) => a);
const insert = (outbox: Outbox, connection: Database.Database, a: number) => outbox.queryIn(connection, 'INSERT INTO t (a) VALUES ($1)', [a]);

/** A promise that is settled from outside. */
function gate(): { promise: Promise<void>; open: () => void } {
  let opener = (): void => undefined;
  const promise = new Promise<void>((resolve) => { opener = resolve; });
  return { promise, open: opener };
}

beforeEach(() => {
  [folder, opened, outboxes] = [temporaryFolder('sqlite'), [], []];
});
afterEach(async () => {
  await Promise.all(outboxes.map((outbox) => outbox.close()));
  for (const connection of opened) connection.close();
  removeFolder(folder);
});

async function withTable(): Promise<Outbox> {
  const outbox = outboxOn();
  await outbox.query('CREATE TABLE t (a INTEGER PRIMARY KEY)', []);
  return outbox;
}

describe.skipIf(isSqliteMissing)('a file of SQLite', () => {
  it('has what is committed, and nothing of what is rolled back', async () => {
    const outbox = await withTable();
    expect(await outbox.transaction(async (connection) => { await insert(outbox, connection, 1); return 'one'; })).toBe('one');
    await expect(outbox.transaction(async (connection) => {
      await insert(outbox, connection, 2);
      throw new Error('no');
    })).rejects.toThrow('no');
    expect(await numbers(outbox)).toEqual([1]);
  });

  it('is a write-ahead log that is on the disk before a commit is said to be done', async () => {
    const outbox = await withTable();
    await outbox.transaction((connection) => {
      expect(connection.pragma('journal_mode', { simple: true })).toBe('wal');
      expect(connection.pragma('synchronous', { simple: true })).toBe(2);
      return Promise.resolve();
    });
  });

  it('has one transaction after the other, and reads what is committed meanwhile', async () => {
    const outbox = await withTable();
    const [entered, leave, order] = [gate(), gate(), [] as string[]];
    const first = outbox.transaction(async (connection) => {
      await insert(outbox, connection, 1);
      entered.open();
      await leave.promise;
      order.push('first');
    });
    const second = outbox.transaction(async (connection) => { order.push('second'); await insert(outbox, connection, 2); });
    const alone = outbox.query('INSERT INTO t (a) VALUES ($1)', [3]).then(() => order.push('alone'));
    await entered.promise;
    expect(await numbers(outbox)).toEqual([]);
    leave.open();
    await Promise.all([first, second, alone]);
    expect(order).toEqual(['first', 'second', 'alone']);
    expect(await numbers(outbox)).toEqual([1, 2, 3]);
  });

  it('waits for who writes elsewhere without holding up this process', async () => {
    const outbox = await withTable();
    const other = open();
    other.exec('BEGIN IMMEDIATE');
    other.exec('INSERT INTO t (a) VALUES (1)');
    const waiting = outbox.transaction((connection) => insert(outbox, connection, 2));
    const alone = outbox.query('INSERT INTO t (a) VALUES ($1)', [3]);
    // If it waited as SQLite does, nobody here could commit.
    await new Promise((resolve) => setImmediate(resolve));
    other.exec('COMMIT');
    await Promise.all([waiting, alone]);
    expect(await numbers(outbox)).toEqual([1, 2, 3]);
  });

  it('refuses a transaction within one, which would wait for itself, and not one after it', async () => {
    const outbox = await withTable();
    let later: () => Promise<void> = () => Promise.resolve();
    await outbox.transaction(async (connection) => {
      await insert(outbox, connection, 1);
      await expect(outbox.transaction(() => Promise.resolve())).rejects.toThrow('within another');
      await expect(outbox.query('INSERT INTO t (a) VALUES ($1)', [2])).rejects.toThrow('within another');
      expect(await numbers(outbox)).toEqual([]);
      const { AsyncResource } = await import('node:async_hooks');
      later = AsyncResource.bind(() => outbox.transaction(async (another) => { await insert(outbox, another, 3); }));
    });
    await later();
    expect(await numbers(outbox)).toEqual([1, 3]);
  });

  it('keeps nothing on a connection without a transaction', async () => {
    const outbox = await withTable();
    let kept: Database.Database | undefined;
    await outbox.transaction((connection) => { kept = connection; return Promise.resolve(); });
    await expect(insert(outbox, kept as Database.Database, 1)).rejects.toThrow('Found no transaction');
    expect(await numbers(outbox)).toEqual([]);
  });

  it('goes on after a transaction that could not be committed, and one that its own work has ended', async () => {
    const outbox = await withTable();
    await outbox.query('CREATE TABLE child (a INTEGER REFERENCES t (a) DEFERRABLE INITIALLY DEFERRED)', []);
    await expect(outbox.transaction((connection) => outbox.queryIn(connection, 'INSERT INTO child (a) VALUES ($1)', [9]))).rejects.toThrow('FOREIGN KEY');
    await expect(outbox.transaction((connection) => Promise.resolve(connection.exec('ROLLBACK')))).rejects.toThrow('no transaction is active');
    await outbox.transaction((connection) => insert(outbox, connection, 1));
    expect(await outbox.query('SELECT a FROM child', [])).toEqual([]);
    expect(await numbers(outbox)).toEqual([1]);
  });

  it('tells of what was added and committed, and of nothing else', async () => {
    const outbox = await withTable();
    await outbox.query('CREATE TABLE other (a INTEGER)', []);
    let told = 0;
    const stop = await outbox.listen?.('t', () => { told++; }, () => undefined);
    await outbox.transaction((connection) => outbox.queryIn(connection, 'INSERT INTO other (a) VALUES ($1)', [1]));
    await outbox.transaction(async (connection) => { await insert(outbox, connection, 1); throw new Error('no'); }).catch(() => undefined);
    expect(told).toBe(0);
    await outbox.transaction(async (connection) => { await insert(outbox, connection, 1); await insert(outbox, connection, 2); });
    expect(told).toBe(1);
    await stop?.();
    await outbox.transaction((connection) => insert(outbox, connection, 3));
    expect(told).toBe(1);
  });

  it('is closed once, after what has begun, and then refuses', async () => {
    const outbox = await withTable();
    const running = outbox.transaction((connection) => insert(outbox, connection, 1));
    await Promise.all([running, outbox.close(), outbox.close()]);
    expect(opened.map((connection) => connection.open)).toEqual([false, false]);
    await expect(outbox.query('SELECT 1', [])).rejects.toThrow('was closed');
  });
});

describe.skipIf(isSqliteMissing)('what two connections cannot share', () => {
  it.each<[string, () => () => Database.Database, string]>([
    ['the same connection twice', () => { const one = open(); return () => one; }, 'found the same one twice'],
    ['a database in memory', () => () => openSqlite(':memory:'), 'found a database in memory'],
    ['a file to read', () => { open().pragma('journal_mode = WAL'); return () => openSqlite(join(folder, 'test.db'), { readonly: true }); }, 'readonly: true'],
    ['something else', () => () => ({}) as Database.Database, 'needs a function that opens a connection'],
  ])('%s is refused', async (_, opener, text) => {
    const outbox = outboxOn(opener());
    await expect(outbox.query('SELECT 1', []).then(() => outbox.transaction(() => Promise.resolve()))).rejects.toThrow(text);
  });

  it('a connection in place of a function is refused at once', () => {
    expect(() => betterSqlite3Outbox(open() as never)).toThrow('found object');
  });

  it('a file that cannot be opened is tried again', async () => {
    let mayOpen = false;
    const outbox = outboxOn(() => { if (!mayOpen) throw new Error('no disk'); return open(); });
    await expect(outbox.query('SELECT 1 AS one', [])).rejects.toThrow('no disk');
    mayOpen = true;
    expect(await outbox.query('SELECT 1 AS one', [])).toEqual([{ one: 1 }]);
  });
});

describe.skipIf(isSqliteMissing)('the statements for SQLite', () => {
  const TASK = ['u', 'a', '{}', Buffer.from('{}'), 5];

  async function withOutbox() {
    const outbox = outboxOn();
    for (const statement of [...outboxTables('shop', 'sqlite'), ...outboxTables('shop', 'sqlite')]) await outbox.query(statement, []);
    const sql = sqlOf('shop', 'sqlite');
    if (sql.lanes.kind !== 'leased') throw new Error('SQLite has leases');
    const { lanes } = sql;
    const add = (lane: number, key: string | null) => outbox.transaction((connection) => outbox.queryIn(connection, sql.add, [lane, key, ...TASK]));
    const take = async (lane: number, now: number) => (await outbox.query(sql.take, [lane, now, now, 10])).map(({ id }) => id);
    const claim = async (owner: string, lane: number, now: number) => (await outbox.query(lanes.claim, [owner, now + 10, lane, now, now + 10])).length;
    return { outbox, sql, lanes, add, take, claim };
  }

  it('lease a lane to one owner until its time is over, or it is given back', async () => {
    const { outbox, lanes, add, claim } = await withOutbox();
    await add(3, null);
    const withWork = async (now: number) => (await outbox.query(lanes.withWork, [now, now + 10, now])).map(({ lane }) => lane);
    expect(await withWork(100)).toEqual([3]);
    expect([await claim('one', 3, 100), await claim('two', 3, 109), await claim('two', 4, 109)]).toEqual([1, 0, 1]);
    expect(await withWork(109)).toEqual([]);
    expect(await withWork(110)).toEqual([3]);
    expect(await claim('two', 3, 110)).toBe(1);
    await outbox.query(lanes.release, [3, 'one']);
    expect(await claim('one', 3, 111)).toBe(0);
    await outbox.query(lanes.release, [3, 'two']);
    expect(await claim('one', 3, 111)).toBe(1);
    // The clock was set back by more than a lease.
    expect([await withWork(50), await claim('two', 3, 50)]).toEqual([[3], 1]);
  });

  it('hold up those behind a failure that have its key, and never give a number again', async () => {
    const { outbox, sql, add, take } = await withOutbox();
    for (const key of ['a', 'a', 'b', null]) await add(0, key);
    expect(await take(0, 10)).toEqual([1, 2, 3, 4]);
    await outbox.query(sql.failed, [50, 'no queue', 1]);
    expect([await take(0, 10), await take(0, 50)]).toEqual([[3, 4], [1, 2, 3, 4]]);
    expect(await outbox.query(sql.lag, [])).toEqual([{ waiting: 4, oldest: 5, failing: 1 }]);
    expect(await outbox.query(sql.failing, [10])).toMatchObject([{ uuid: 'u', tries: 1, next_try_at: 50, error: 'no queue' }]);
    await outbox.query(sql.remove(4), [1, 2, 3, 4]);
    await add(0, null);
    expect(await take(0, 10)).toEqual([5]);
  });

  it('record a task in the inbox once, and forget it', async () => {
    const { outbox, sql } = await withOutbox();
    const enter = async () => (await outbox.query(sql.enter, ['u', 7])).length;
    expect([await enter(), await enter()]).toEqual([1, 0]);
    const outdated = async (before: number) => (await outbox.query(sql.outdated, [before])).length;
    await outbox.query(sql.forget, [7, 10]);
    expect([await outdated(7), await outdated(8), await enter()]).toEqual([0, 1, 0]);
    await outbox.query(sql.forget, [8, 10]);
    expect([await outdated(8), await enter()]).toEqual([0, 1]);
  });

  it('are there for the databases that are known', () => {
    expect(() => outboxTables('shop', 'oracle' as never)).toThrow('must be one of postgres, mysql, sqlite; found oracle');
    expect(() => outboxTables('shop', 'toString' as never)).toThrow('must be one of');
  });
});
