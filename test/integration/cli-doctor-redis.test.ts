import { createClient } from '@redis/client';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { RedisBroker } from '../../lib/brokers/redis/redis-broker.js';
import type { Finding } from '../../lib/cli/doctor/finding.js';
import { examineRedis, type RedisExamination } from '../../lib/cli/doctor/redis/examine-redis.js';
import type { Settings } from '../../lib/cli/settings/settings.js';
import { systemTime, takeTimeFrom } from '../../lib/time/clock.js';
import { Secret } from '../../lib/urls/secret.js';
import { findServer } from '../../scripts/find-result-servers.mjs';
import { runCliHere as runCli } from '../support/cli.js';
import { freePorts } from '../support/free-ports.js';
import { RedisServer } from '../support/redis.js';
import { RedisCluster, RedisNode, SentinelPair } from '../support/redis-groups.js';
import { eventually } from '../support/wait.js';

vi.setConfig({ testTimeout: 240_000 });

const EXCHANGE = 'doctor';
const KEYS = `{dispatcher:${EXCHANGE}}:`;

const found = ({ findings }: RedisExamination, check: string): Finding | undefined => findings.find((one) => one.check === check);
const wrong = ({ findings }: RedisExamination): readonly string[] => findings.filter(({ status }) => status === 'problem').map(({ check }) => check);

function examine(url: string, { exchange = EXCHANGE, queues = [], longest }: { exchange?: string; queues?: readonly string[]; longest?: number } = {}): Promise<RedisExamination> {
  const settings = {
    broker: new Secret(url), exchange, connectSeconds: 5, tlsConfig: new Secret(undefined), secureConnection: false, takeoverSeconds: undefined,
  } as unknown as Settings;
  return examineRedis(url, settings, queues, longest, new AbortController().signal);
}

async function makeQueues(url: string): Promise<void> {
  const broker = new RedisBroker({ url, exchange: EXCHANGE, reconnection: { retries: 'forever' } });
  await broker.connect();
  await broker.declare({ queues: [{ name: 'orders', bindingKeys: ['orders'] }, { name: 'orders.dead', bindingKeys: [] }] });
  await broker.close(5_000);
}

/** The doctor against a broken Redis of each kind that it names. */
describe.skipIf(findServer('redis-server') === undefined)('doctor on Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start({ password: 'geheim' });
    await makeQueues(server.url);
  });
  afterAll(() => server.stop());
  afterEach(async () => {
    await ask('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    await ask('CONFIG', 'SET', 'maxmemory', '0');
    await ask('CONFIG', 'SET', 'appendonly', 'yes');
    await ask('CONFIG', 'SET', 'min-replicas-to-write', '0');
  });

  async function ask<T>(...command: string[]): Promise<T> {
    const client = await createClient({ url: server.url }).connect();
    try {
      return await client.sendCommand<T>(command);
    } finally {
      client.destroy();
    }
  }

  it('finds nothing wrong with a sound system, and leaves nothing behind', async () => {
    const before = await ask('DBSIZE');
    const result = await runCli(['doctor', 'orders', '--longest-task', '1h', '--json'], { broker: server.url, exchange: EXCHANGE });
    const examination = result.json<{ findings: Finding[] }>();
    expect([result.code, wrong(examination)]).toEqual([0, []]);
    for (const check of ['connection', 'maxmemory-policy', 'memory', 'persistence', 'rights', 'clock', 'exchange', 'queue "orders"', 'queue "orders.dead"']) expect(found(examination, check)).toMatchObject({ status: 'ok' });
    expect(found(examination, 'persistence')?.found).toContain('appendfsync always');
    expect(found(examination, 'long tasks')).toMatchObject({ status: 'unknown', found: expect.stringContaining('3600 s') as string });
    expect(await ask('DBSIZE')).toBe(before);
  });

  it('says what to type where it is not let in, or nobody is there, and keeps the password to itself', async () => {
    const refused = await runCli(['doctor', '--json'], { broker: server.url.replace('geheim', 'secret-guess'), exchange: EXCHANGE });
    expect(refused.code).toBe(4);
    expect(found(refused.json<{ findings: Finding[] }>(), 'connection')).toMatchObject({ status: 'problem', todo: expect.stringContaining('ACL GETUSER') as string });
    expect(refused.stdout + refused.stderr).not.toContain('secret-guess');
    const [port] = await freePorts(1);
    const away = await examine(`redis://127.0.0.1:${port}/0`);
    expect([away.failed, wrong(away)]).toEqual(['unreachable', ['connection']]);
  });

  it('names settings that lose tasks, or take none', async () => {
    await ask('CONFIG', 'SET', 'maxmemory-policy', 'volatile-lru');
    await ask('CONFIG', 'SET', 'appendonly', 'no');
    await ask('CONFIG', 'SET', 'min-replicas-to-write', '1');
    await ask('CONFIG', 'SET', 'maxmemory', '1mb');
    const examination = await examine(server.url);
    expect(wrong(examination)).toEqual(expect.arrayContaining(['maxmemory-policy', 'memory', 'min-replicas-to-write']));
    expect(found(examination, 'maxmemory-policy')?.todo).toContain('CONFIG SET maxmemory-policy noeviction');
    expect(found(examination, 'persistence')).toMatchObject({ status: 'warning', todo: expect.stringContaining('CONFIG SET appendonly yes') as string });
  });

  it('names each command that the user may not, and a user with those of the documentation may all', async () => {
    await ask('ACL', 'SETUSER', 'few', 'on', '>geheim', 'resetchannels', `~${KEYS}*`, `&*${KEYS}*`, '+@all', '-@dangerous', '+info', '-zpopmin', '-evalsha');
    const few = await examine(server.url.replace(':geheim@', 'few:geheim@'));
    expect(found(few, 'rights')).toMatchObject({ status: 'problem', found: expect.stringContaining('may not: ZPOPMIN, EVALSHA, with') as string, todo: expect.stringContaining(`ACL SETUSER few '~${KEYS}*'`) as string });
    await ask('ACL', 'SETUSER', 'keyless', 'on', '>geheim', '~other:*', '&*', '+@all');
    expect(found(await examine(server.url.replace(':geheim@', 'keyless:geheim@')), 'rights')?.found).toContain('it is the keys that it may not touch');
    await ask('ACL', 'SETUSER', 'enough', 'on', '>geheim', 'resetchannels', `~${KEYS}*`, `&*${KEYS}*`, '+@all', '-@dangerous', '+info');
    const enough = await examine(server.url.replace(':geheim@', 'enough:geheim@'));
    expect(wrong(enough)).toEqual([]);
    expect(found(enough, 'persistence')).toMatchObject({ status: 'unknown', found: expect.stringContaining('may not ask for appendfsync') as string });
    await makeQueues(server.url.replace(':geheim@', 'enough:geheim@'));
  });

  it('names an exchange and queues that are not there, keys of others, and keys that others have written over', async () => {
    expect(wrong(await examine(server.url, { exchange: 'mistyped' }))).toEqual(['exchange']);
    expect(found(await examine(server.url, { queues: ['mail'] }), 'queue "mail"')).toMatchObject({ status: 'warning' });
    await ask('SET', `${KEYS}cache`, '1');
    await ask('SET', `${KEYS}delayed`, '1');
    onTestFinished(async () => { await ask('DEL', `${KEYS}cache`, `${KEYS}delayed`); });
    const examination = await examine(server.url);
    expect(found(examination, 'foreign keys')).toMatchObject({ status: 'warning', found: expect.stringContaining(`${KEYS}cache`) as string });
    expect(found(examination, 'keys')).toMatchObject({ status: 'problem', found: expect.stringContaining('delayed is a string, and must be a zset') as string });
  });

  it('notices a clock that is minutes away', async () => {
    onTestFinished(takeTimeFrom({ ...systemTime, now: () => Date.now() + 90_000 }));
    expect(found(await examine(server.url), 'clock')).toMatchObject({ status: 'problem', found: expect.stringMatching(/is (89|90) s ahead of the server's/) as string });
  });

  it('says that a script keeps all others waiting', async () => {
    await ask('CONFIG', 'SET', 'lua-time-limit', '50');
    const client = createClient({ url: server.url });
    client.on('error', () => undefined);
    await client.connect();
    const endless = client.sendCommand(['EVAL', 'while true do end', '0']).catch((error: unknown) => error);
    onTestFinished(() => client.destroy());
    await eventually(() => ask('PING').catch((error: Error) => error.message), (answer) => String(answer).startsWith('BUSY'), 'it to be busy');
    const examination = await examine(server.url);
    await ask('SCRIPT', 'KILL');
    await endless;
    expect(found(examination, 'script')).toMatchObject({ status: 'problem', todo: expect.stringContaining('SCRIPT KILL') as string });
  });

  it('says of a replica whose it is', async () => {
    const [one, two] = await freePorts(2) as [number, number];
    const [primary, replica] = [new RedisNode(one, []), new RedisNode(two, ['--replicaof', `127.0.0.1 ${one}`])];
    for (const node of [primary, replica]) {
      onTestFinished(() => node.stop());
      await node.server.start();
    }
    expect(found(await examine(`redis://127.0.0.1:${two}/0`), 'role')).toMatchObject({ status: 'problem', found: expect.stringContaining(`of 127.0.0.1:${one}`) as string });
  });

  it('says how a cluster is, whole or broken', async () => {
    const cluster = await RedisCluster.start();
    onTestFinished(() => cluster.stop());
    const url = cluster.urlFrom(...cluster.primaries);
    expect(found(await examine(url), 'cluster')).toMatchObject({ status: 'warning', found: expect.stringContaining('3 nodes agree') as string });
    const owner = await cluster.ownerOf(KEYS);
    const other = cluster.primaries.find((node) => node !== owner) as RedisNode;
    await other.server.kill9();
    await eventually(() => owner.ask<string>('CLUSTER', 'INFO'), (info) => info.includes('cluster_state:fail'), 'the cluster to notice', { limitMs: 60_000 });
    expect(found(await examine(cluster.urlFrom(owner)), 'cluster')).toMatchObject({ status: 'problem', found: expect.stringContaining('"fail"') as string });
  });

  it('says what each sentinel knows, and that too few are left to agree', async () => {
    const pair = await SentinelPair.start();
    onTestFinished(() => pair.stop());
    const checks = (examination: RedisExamination): readonly string[] => examination.findings.filter(({ check }) => check.startsWith('sentinel ')).map(({ status }) => status);
    expect(checks(await examine(pair.url))).toEqual(['ok', 'ok']);
    expect(checks(await examine(pair.url.replace('/main/', '/unknown/')))).toEqual(['problem', 'problem']);
    await pair.killSentinel();
    await eventually(() => examine(pair.url).then(checks), (statuses) => statuses.join() === 'warning,problem', 'the other to miss it', { limitMs: 60_000 });
  });
});
