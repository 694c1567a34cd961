import type Database from 'better-sqlite3';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UnroutableTaskError, type KeptTask } from '../../../lib/index.js';
import { betterSqlite3Outbox, outboxTables, type BetterSqlite3Outbox } from '../../../lib/outbox/index.js';
import { LEASE_MS } from '../../../lib/outbox/lanes/leased-lanes.js';
import { lanesOf } from '../../../lib/outbox/lanes/lanes-of.js';
import { checkOutboxOptions } from '../../../lib/outbox/outbox-options.js';
import { sqlOf } from '../../../lib/outbox/tables.js';
import { systemTime, takeTimeFrom } from '../../../lib/time/clock.js';
import { removeFolder, temporaryFolder } from '../../support/temporary-folder.js';
import { isSqliteMissing, openSqlite } from '../../support/sqlite.js';

const LANE = 3;
const sql = sqlOf('shop', 'sqlite');

let folder: string;
let database: BetterSqlite3Outbox<Database.Database>;
let giveTimeBack: () => void;
let passedMs: number;

beforeEach(async () => {
  [folder, passedMs] = [temporaryFolder('lanes'), 0];
  giveTimeBack = takeTimeFrom({ ...systemTime, now: () => 1_000_000 + passedMs, elapsed: () => passedMs });
  database = betterSqlite3Outbox(() => openSqlite(join(folder, 'test.db')));
  for (const statement of outboxTables('shop', 'sqlite')) await database.query(statement, []);
});
afterEach(async () => {
  await database.close();
  giveTimeBack();
  removeFolder(folder);
});

const add = (uuid: string) => database.transaction((connection) => database.queryIn(connection, sql.add, [LANE, 'key', uuid, 'a', '{}', Buffer.from('{}'), 1]));
const waiting = async () => (await database.query('SELECT uuid FROM shop_outbox ORDER BY id', [])).map(({ uuid }) => uuid);
const lanesWith = (send: (task: KeptTask) => Promise<void>) => lanesOf(checkOutboxOptions({ database }), sql, { isReady: true, send, problem: () => undefined, recovered: () => undefined }, () => false);

describe.skipIf(isSqliteMissing)('a leased lane', () => {
  it('is nobody else\'s while it is sent, in no transaction, and anybody\'s after it', async () => {
    await add('1');
    const other = lanesWith(() => Promise.reject(new Error('another has it')));
    const during: unknown[] = [];
    const lanes = lanesWith(async () => {
      during.push(await other.withWork(), await other.send(LANE));
      await add('2');
    });
    expect(await lanes.withWork()).toEqual([LANE]);
    expect(await lanes.send(LANE)).toBe(1);
    expect(during).toEqual([[], 0]);
    expect([await waiting(), await other.withWork()]).toEqual([['2'], [LANE]]);
  });

  it('is given back by who has found nothing in it', async () => {
    expect(await lanesWith(() => Promise.resolve()).send(LANE)).toBe(0);
    expect(await database.query('SELECT leased_until FROM shop_outbox_lanes WHERE lane = $1', [LANE])).toEqual([{ leased_until: 0 }]);
  });

  it('has no more sent in the second half of its lease', async () => {
    for (const uuid of ['1', '2', '3']) await add(uuid);
    const lanes = lanesWith(() => { passedMs += LEASE_MS / 4; return Promise.resolve(); });
    expect(await lanes.send(LANE)).toBe(2);
    expect(await waiting()).toEqual(['3']);
    expect(await lanes.withWork()).toEqual([LANE]);
  });

  it('is taken over from who is too slow, whose end takes nothing from the next owner', async () => {
    for (const uuid of ['1', '2']) await add(uuid);
    const sent: string[] = [];
    const next = lanesWith(async ({ uuid }) => { sent.push(`next ${uuid}`); await slowEnds(); });
    let [isSlow, slowEnds]: [Promise<number>, () => Promise<void>] = [Promise.resolve(0), () => Promise.resolve()];
    const slow = lanesWith(({ uuid }) => {
      sent.push(`slow ${uuid}`);
      return new Promise((resolve) => { slowEnds = async () => { resolve(); await isSlow; }; hasBegun(); });
    });
    let hasBegun = (): void => undefined;
    const begun = new Promise<void>((resolve) => { hasBegun = resolve; });
    isSlow = slow.send(LANE);
    await begun;
    expect(await next.send(LANE)).toBe(0);
    passedMs += LEASE_MS;
    expect(await next.send(LANE)).toBe(2);
    expect([await isSlow, sent, await waiting()]).toEqual([1, ['slow 1', 'next 1', 'next 2'], []]);
  });

  it('keeps what was refused for later', async () => {
    await add('1');
    const lanes = lanesWith(() => Promise.reject(new UnroutableTaskError('no queue', {})));
    expect([await lanes.send(LANE), await lanes.withWork(), await waiting()]).toEqual([0, [], ['1']]);
    passedMs += 1_000;
    expect(await lanes.withWork()).toEqual([LANE]);
  });
});
