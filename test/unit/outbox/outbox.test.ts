import { describe, expect, it } from 'vitest';
import { BrokerUnavailableError, UnroutableTaskError, type KeptTask } from '../../../lib/index.js';
import { knexOutbox, mysql2Outbox, outboxTables, typeOrmOutbox } from '../../../lib/outbox/index.js';
import { chainsOf, laneOf, pauseAfter } from '../../../lib/outbox/order-keys.js';
import { decodeEntry, encodeEntry, type OutboxEntry } from '../../../lib/outbox/outbox-entry.js';
import { checkOutboxOptions, type OutboxOptions } from '../../../lib/outbox/outbox-options.js';
import { Sending, textOf } from '../../../lib/outbox/sending.js';
import { sqlOf } from '../../../lib/outbox/tables.js';

const TASK: KeptTask = { uuid: 'u', name: 'a', args: [], routingKey: 'key', body: Buffer.from('{}'), properties: { contentType: 'application/json', messageId: 'u', headers: { mine: 'ü' } } };
const entry = (id: number, orderKey?: string, tries = 0): OutboxEntry => ({ id, orderKey, tries, task: { ...TASK, uuid: String(id) } });
const database = { query: () => Promise.resolve([]), queryIn: () => Promise.resolve([]), transaction: () => Promise.reject(new Error('none')) };

describe('what may be sent side by side', () => {
  it('is one of each key, the oldest first, and whatever has none', () => {
    const chains = chainsOf([entry(1, 'a'), entry(2), entry(3, 'b'), entry(4, 'a'), entry(5), entry(6, 'a')]);
    expect(chains.map((chain) => chain.map(({ id }) => id))).toEqual([[1, 4, 6], [2], [3], [5]]);
  });

  it('is in one lane for one key, and lanes are used alike', () => {
    const lanes = Array.from({ length: 1_600 }, (_, index) => laneOf(`account-${index}`, 16));
    expect(laneOf('account-7', 16)).toBe(lanes[7]);
    expect(new Set(lanes).size).toBe(16);
    expect(Math.max(...Array.from({ length: 16 }, (_, lane) => lanes.filter((each) => each === lane).length))).toBeLessThan(200);
  });

  it('waits longer after each refusal, up to a minute', () => {
    expect([0, 1, 2, 6, 1_000].map(pauseAfter)).toEqual([1_000, 2_000, 4_000, 60_000, 60_000]);
  });
});

describe('a batch', () => {
  async function sent(chains: OutboxEntry[][], failures: Record<number, Error>, stopAfter = Infinity) {
    const [order, problems]: [unknown[], string[]] = [[], []];
    const sending = new Sending({
      send: (task) => { order.push(Number(task.uuid)); return failures[Number(task.uuid)] === undefined ? Promise.resolve() : Promise.reject(failures[Number(task.uuid)] as Error); },
      problem: (message) => problems.push(message),
    }, () => order.length >= stopAfter);
    await Promise.all(chains.map((chain) => sending.send(chain)));
    return { order, problems, done: sending.done.map(({ id }) => id), failed: sending.failed.map(({ entry: { id } }) => id) };
  }

  it('sends each chain in order, and nothing behind what is refused', async () => {
    const nowhere = new UnroutableTaskError('no queue', {});
    expect(await sent([[entry(1, 'a'), entry(2, 'a'), entry(3, 'a')], [entry(4)]], { 2: nowhere })).toMatchObject({ done: [1, 4], failed: [2], problems: [expect.stringContaining('waits in the outbox')] });
  });

  it('says of a refusal once', async () => {
    expect(await sent([[entry(1, undefined, 3)]], { 1: new Error('again') })).toMatchObject({ failed: [1], problems: [] });
  });

  it('blames no task for a broker that has gone, and tries no other', async () => {
    expect(await sent([[entry(1, 'a'), entry(2, 'a')], [entry(3, 'b'), entry(4, 'b')]], { 1: new BrokerUnavailableError('away') })).toMatchObject({ failed: [], done: [3], order: [1, 3] });
  });

  it('ends between two tasks where it is to stop', async () => {
    expect(await sent([[entry(1, 'a'), entry(2, 'a')]], {}, 1)).toMatchObject({ done: [1], order: [1] });
  });

  it('notes an error as a text that PostgreSQL takes', () => {
    expect(textOf(new Error(`a\0b${'x'.repeat(5_000)}`))).toMatch(/^Error: abx{990,}$/);
  });
});

describe('a row', () => {
  it('gives the task that was kept', () => {
    const task: KeptTask = { ...TASK, dueAt: 5, level: 'high', unique: { key: 'k', scope: 'window', seconds: 5, token: 't', replace: false } };
    const row = { id: '7', order_key: null, uuid: 'u', name: 'a', task: encodeEntry(task), body: new Uint8Array(task.body), tries: 2 };
    expect(decodeEntry(row)).toEqual({ id: '7', orderKey: undefined, tries: 2, task });
  });

  it('is refused for arguments that may go to another task', () => {
    expect(() => encodeEntry({ ...TASK, unique: { key: 'k', scope: 'untilStarted', seconds: 5, token: 't', replace: true } })).toThrow('replaceArguments');
  });
});

describe('the tables', () => {
  it('are named by their prefix, which is a plain name', () => {
    expect(outboxTables('shop').join()).toContain('shop_outbox_lanes');
    expect(sqlOf('shop').enter).toContain('shop_inbox');
    for (const prefix of ['Shop', 'a b', "a'; DROP TABLE x", '', 'x'.repeat(49)]) expect(() => outboxTables(prefix)).toThrow('tablePrefix');
  });
});

describe('the options', () => {
  it('have defaults', () => {
    expect(checkOutboxOptions({ database })).toEqual({ database, dispatcher: 'default', relay: true, tablePrefix: 'dispatcher', pollSeconds: 1, batch: 200, inboxDays: 30 });
  });

  it.each<[unknown, string]>([
    [undefined, 'needs its options'], [{}, 'database must be'], [{ database: {} }, 'database must be'], [{ database, pollSecond: 1 }, 'no option "pollSecond"'], [{ database, relay: 'no' }, 'relay must be'],
    [{ database, pollSeconds: 0 }, 'pollSeconds must be'], [{ database, batch: 1.5 }, 'batch must be a whole'], [{ database, inboxDays: '30' }, 'inboxDays must be'], [{ database, orderBy: 'account' }, 'orderBy must be a function'],
    [{ database, current: {} }, 'current must be a function'],
  ])('%o are refused', (options, text) => {
    expect(() => checkOutboxOptions(options as OutboxOptions)).toThrow(text);
  });
});

describe('the kind of database', () => {
  const nothing = () => Promise.reject(new Error('none'));

  it.each([['postgres', 'postgres'], ['aurora-postgres', 'postgres'], ['mysql', 'mysql'], ['mariadb', 'mysql'], [undefined, 'postgres']])('is known of a DataSource of TypeORM: %s', (type, dialect) => {
    expect(typeOrmOutbox({ query: nothing, transaction: nothing, ...type === undefined ? {} : { options: { type } } }).dialect).toBe(dialect);
  });

  it.each([['postgresql', 'postgres'], ['mysql', 'mysql'], [undefined, 'postgres']])('is known of Knex: %s', (name, dialect) => {
    expect(knexOutbox({ raw: nothing, transaction: nothing, ...name === undefined ? {} : { client: { dialect: name } } }).dialect).toBe(dialect);
  });

  it('is refused where the statements would not work, with what does', () => {
    expect(() => typeOrmOutbox({ query: nothing, transaction: nothing, options: { type: 'better-sqlite3' } })).toThrow('With TypeORM the outbox works on postgres, aurora-postgres, mysql, mariadb, aurora-mysql; found "better-sqlite3". For SQLite there is betterSqlite3Outbox');
    expect(() => knexOutbox({ raw: nothing, transaction: nothing, client: { dialect: 'toString' } })).toThrow('With Knex the outbox works on postgresql, mysql; found "toString".');
  });
});

describe('a pool of mysql2', () => {
  function poolThat(fails: readonly string[]) {
    const said: string[] = [];
    const say = (what: string) => () => {
      said.push(what);
      return fails.includes(what) ? Promise.reject(new Error(`${what} failed`)) : Promise.resolve([[], []] as [unknown, unknown]);
    };
    const connection = { query: say('query'), beginTransaction: say('begin'), commit: say('commit'), rollback: say('rollback'), release: () => void said.push('release'), destroy: () => void said.push('destroy') };
    return { said, database: mysql2Outbox({ query: say('query'), getConnection: () => Promise.resolve(connection) }) };
  }

  it.each([
    ['commits and gives its connection back', [], undefined, ['begin', 'query', 'commit', 'release']],
    ['rolls back what fails', ['query'], 'query failed', ['begin', 'query', 'rollback', 'release']],
    ['rolls back what cannot be committed', ['commit'], 'commit failed', ['begin', 'query', 'commit', 'rollback', 'release']],
    ['lets nobody else have a connection that cannot even roll back', ['query', 'rollback'], 'query failed', ['begin', 'query', 'rollback', 'destroy']],
  ])('%s', async (_what, fails, error, expected) => {
    const { said, database: ours } = poolThat(fails);
    const outcome = await ours.transaction((connection) => ours.queryIn(connection, 'SELECT $1', [1])).then(() => undefined, (reason: Error) => reason.message);
    expect(outcome).toBe(error);
    expect(said).toEqual(expected);
  });

  it('numbers no parameters, and takes what is no row for none', async () => {
    const asked: unknown[] = [];
    const ours = mysql2Outbox({ query: (sql, values) => { asked.push([sql, values]); return Promise.resolve([{ affectedRows: 3 }, undefined]); }, getConnection: () => nothing() });
    const nothing = () => Promise.reject(new Error('none'));
    expect(await ours.query('DELETE FROM a WHERE b = $1 AND c = $2', [1, 'x'])).toEqual([]);
    expect(asked).toEqual([['DELETE FROM a WHERE b = ? AND c = ?', [1, 'x']]]);
  });
});
