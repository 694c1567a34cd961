import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { createClient } from '@redis/client';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { Task, type DispatcherService } from '../../lib/index.js';
import { findServer } from '../../scripts/find-result-servers.mjs';
import { buildGocraftPeer, Gocraft, type GocraftPeer } from '../support/gocraft-peer.js';
import { startOn } from '../support/nest-on-broker.js';
import { jsonOf, randomJson, seededRandom } from '../support/random-values.js';
import { RedisServer } from '../support/redis.js';
import { Arrivals, eventually, Signal } from '../support/wait.js';

const TASKS = 1_000;
const LIMIT_MS = 90_000;
const calls = new Arrivals<[name: string, value: Record<string, unknown> | undefined]>();
let isBroken = true;
let held: Signal | undefined;

@Injectable()
class Ours {
  @Task('ours_any') any(value?: Record<string, unknown>): void { calls.add(['any', value]); }
  @Task('ours_echoed') echoed(value: Record<string, unknown>): void { calls.add(['echoed', value]); }
  @Task('shared') shared(value: Record<string, unknown>): void { calls.add(['shared', value]); }
  @Task('ours_held') async held(value: Record<string, unknown>): Promise<void> {
    calls.add(['held', value]);
    await held?.promise;
  }
  @Task('ours_fails', { retry: { attempts: 2, backoff: 'polynomial' } }) fails(value: Record<string, unknown>): void {
    calls.add(['fails', value]);
    if (isBroken) throw new TypeError('it fails here');
  }
}

let peer: GocraftPeer;
let redis: RedisServer;
let client: ReturnType<typeof createClient>;

describe.skipIf(findServer('redis-server') === undefined)('gocraft/work and we, in one namespace', () => {
  beforeAll(async () => {
    peer = await buildGocraftPeer();
    redis = await RedisServer.start();
    client = createClient({ url: redis.url });
    await client.connect();
  }, 600_000);
  afterAll(async () => {
    if ('unavailable' in peer) console.warn(`Not seen beside gocraft/work: ${peer.unavailable}`);
    await client.close();
    await redis.stop();
  });
  beforeEach(async () => {
    calls.all.length = 0;
    isBroken = true;
    held = undefined;
    await client.sendCommand(['FLUSHALL']);
  });

  async function start(program: string): Promise<{ service: DispatcherService; gocraft: Gocraft }> {
    const { service } = await startOn({
      broker: redis.url, exchange: 'tasks', defaultRoutingKey: 'go', shutdownTimeoutSeconds: 10,
      workers: [{ name: 'w', queue: 'work', bindingKeys: ['go'], format: 'gocraft', limit: 10 }],
    }, { providers: [Ours] });
    return { service, gocraft: new Gocraft(program, `127.0.0.1:${redis.port}`, 'work') };
  }

  async function startPool(gocraft: Gocraft): Promise<{ readonly log: () => string; readonly kill: () => Promise<void> }> {
    const worker = await gocraft.work();
    const kill = async (): Promise<void> => {
      if (worker.process.exitCode !== null || worker.process.signalCode !== null) return;
      const ended = new Promise((resolve) => worker.process.once('exit', resolve));
      worker.process.kill('SIGKILL');
      await ended;
    };
    onTestFinished(kill);
    return { log: worker.log, kill };
  }

  function fileOf(jobs: readonly string[]): string {
    const file = join(redis.folder, `jobs-${process.hrtime.bigint()}.jsonl`);
    writeFileSync(file, jobs.join('\n'));
    return file;
  }

  const argumentsOf = (random: () => number, n: number): Record<string, unknown> => ({ ...Object.fromEntries(Array.from({ length: Math.floor(random() * 6) }, (_, at) => [`a${at} <&>`, randomJson(random)])), n });

  /** Nobody holds anything: no lock, nothing in progress. */
  async function expectNothingHeld(): Promise<void> {
    const keys = await client.keys('work:jobs:*');
    for (const key of keys.filter((name) => name.endsWith(':lock'))) expect([key, await client.get(key)]).toEqual([key, '0']);
    for (const key of keys.filter((name) => name.endsWith(':lock_info'))) expect(Object.values(await client.hGetAll(key)).every((count) => count === '0')).toBe(true);
    expect(keys.filter((name) => name.endsWith(':inprogress'))).toEqual([]);
  }

  it('what it enqueues runs here, arguments of every kind, scheduled and unique ones too', async ({ skip }) => {
    if ('unavailable' in peer) return skip(peer.unavailable);
    const { gocraft } = await start(peer.program);
    const random = seededRandom(20_261_127);
    const values = Array.from({ length: TASKS }, (_, n) => argumentsOf(random, n));
    await gocraft.send(fileOf(values.map((args, n) => `{"Name":"ours_any","Args":${jsonOf(args)}${n % 20 === 7 ? ',"In":1' : n % 20 === 8 ? ',"Unique":true' : ''}}`)));
    const done = await calls.count(TASKS, LIMIT_MS, 'jobs of gocraft/work');
    const byNumber = new Map(done.map(([, value]) => [value?.n, value]));
    for (const [n, expected] of values.entries()) expect(byNumber.get(n)).toEqual(expected);
    expect(done).toHaveLength(TASKS);
    await eventually(async () => (await client.keys('work:unique:*')).length, (count) => count === 0, 'unique keys to be free');
    await eventually(() => client.keys('work:jobs:*:inprogress'), (keys) => keys.length === 0, 'nothing to be in progress');
    await expectNothingHeld();
  }, 120_000);

  it('what we publish runs there, delays too; what fails there is retried and dies there', async ({ skip }) => {
    if ('unavailable' in peer) return skip(peer.unavailable);
    const { service, gocraft } = await start(peer.program);
    await startPool(gocraft);
    const random = seededRandom(11);
    // Go itself reads numbers as doubles, and where its script moves what is delayed, it keeps 14 digits and makes {} of [].
    const values = Array.from({ length: TASKS }, (_, n) => (n % 20 === 7 ? { n } : JSON.parse(JSON.stringify(argumentsOf(random, n), (_key, item: unknown) => (typeof item === 'bigint' ? Number(item % 1_000n) : item))) as Record<string, unknown>));
    const results = await service.publishMany(values.map((value, n) => ({ name: 'go_echo', args: [{ type: 'json', value }], ...(n % 20 === 7 ? { delaySeconds: 1 } : {}) })));
    expect(results.filter(({ accepted }) => !accepted)).toEqual([]);
    await service.publish({ name: 'go_fails', args: [], kwargs: { x: 1 } });
    const done = await calls.count(TASKS, LIMIT_MS, 'jobs that came back');
    const byNumber = new Map(done.map(([, value]) => [value?.n, value]));
    for (const [n, expected] of values.entries()) expect(byNumber.get(n)).toEqual(expected);
    const view = await eventually(() => gocraft.view(), ({ retries }) => retries.length === 1, 'it to wait for its retry there');
    expect(view.retries[0]).toMatchObject({ name: 'go_fails', args: { x: 1 }, fails: 1, err: 'it fails there' });
  }, 120_000);

  it('what fails here waits in its retries, dies in its dead set, and is revived from both sides', async ({ skip }) => {
    if ('unavailable' in peer) return skip(peer.unavailable);
    const { service, gocraft } = await start(peer.program);
    await gocraft.send(fileOf(['{"Name":"ours_fails","Args":{"a":1}}']));
    await calls.count(1, LIMIT_MS);
    const { retries: [retried] } = await eventually(() => gocraft.view(), ({ retries }) => retries.length === 1, 'it to wait for its retry');
    expect(retried).toMatchObject({ name: 'ours_fails', args: { a: 1 }, fails: 1, err: 'it fails here' });
    for (const { value, score } of await client.zRangeWithScores('work:retry', 0, -1)) await client.zAdd('work:retry', { value, score: score - 1e6 });
    await calls.count(2, LIMIT_MS);
    const { dead } = await eventually(() => gocraft.view(), (view) => view.dead.length === 1, 'it to be dead');
    expect(dead[0]).toMatchObject({ id: retried?.id, fails: 2, err: 'it fails here' });
    const { letters } = await service.deadLetters.list('work');
    expect(letters.map(({ uuid, name, reason, error, attempt }) => [uuid, name, reason, error, attempt])).toEqual([[retried?.id, 'ours_fails', 'failed', 'TypeError: it fails here', 2]]);
    await gocraft.revive();
    await calls.count(3, LIMIT_MS);
    await eventually(() => gocraft.view(), ({ retries }) => retries.length === 1, 'it to wait for its retry anew');
    isBroken = false;
    for (const { value, score } of await client.zRangeWithScores('work:retry', 0, -1)) await client.zAdd('work:retry', { value, score: score - 1e6 });
    await calls.count(4, LIMIT_MS);
    await eventually(() => client.keys('work:jobs:*:inprogress'), (keys) => keys.length === 0, 'nothing to be in progress');
    await expectNothingHeld();
  }, 120_000);

  it('its client, from which its web page is made, shows our pool and what it runs', async ({ skip }) => {
    if ('unavailable' in peer) return skip(peer.unavailable);
    const { gocraft } = await start(peer.program);
    held = new Signal();
    await gocraft.send(fileOf(['{"Name":"ours_held","Args":{"a":1}}']));
    const view = await eventually(() => gocraft.view(), ({ observations }) => observations.some(({ is_busy: isBusy }) => isBusy), 'our worker to be seen at work', { limitMs: LIMIT_MS });
    expect(view.pools).toMatchObject([{ concurrency: 10, pid: process.pid, job_names: ['ours_any', 'ours_echoed', 'ours_fails', 'ours_held', 'shared'] }]);
    expect(view.observations.filter(({ is_busy: isBusy }) => isBusy)).toMatchObject([{ job_name: 'ours_held', args_json: '{"a":1}' }]);
    held.fire();
    await eventually(() => client.keys('work:jobs:*:inprogress'), (keys) => keys.length === 0, 'nothing to be in progress');
  }, 120_000);

  it('beside its pool nothing is lost or runs twice, and what only it knows, or is paused, is left alone', async ({ skip }) => {
    if ('unavailable' in peer) return skip(peer.unavailable);
    const { service, gocraft } = await start(peer.program);
    await client.set('work:jobs:ours_any:paused', '1');
    await gocraft.send(fileOf(['{"Name":"limited","Args":{"n":-1}}', '{"Name":"ours_any","Args":{"n":-2}}']));
    const theirs = await startPool(gocraft);
    const numbers = Array.from({ length: 2_000 }, (_, at) => at);
    await Promise.all([
      service.publishMany(numbers.slice(0, 1_000).map((n) => ({ name: 'shared', args: [{ type: 'json', value: { n } }] }))),
      gocraft.send(fileOf(numbers.slice(1_000).map((n) => `{"Name":"shared","Args":{"n":${n}}}`))),
    ]);
    const ranThere = (): number[] => [...theirs.log().matchAll(/^(-?\d+) ran$/gm)].map(([, number]) => Number(number));
    await eventually(() => ranThere().length + calls.all.length, (ran) => ran >= 2_001, 'all to have run', { limitMs: LIMIT_MS });
    const ran = [...ranThere(), ...calls.all.map(([, value]) => value?.n as number)].sort((a, b) => a - b);
    expect(ran).toEqual([-1, ...numbers]);
    expect([ranThere().length > 1, calls.all.length > 0]).toEqual([true, true]);
    await client.del('work:jobs:ours_any:paused');
    await calls.first(([name, value]) => name === 'any' && value?.n === -2, 'the one that was paused', LIMIT_MS);
    await eventually(() => client.keys('work:jobs:*:inprogress'), (keys) => keys.length === 0, 'nothing to be in progress');
    await expectNothingHeld();
  }, 120_000);

  it('what a pool of Go held that was killed runs here', async ({ skip }) => {
    if ('unavailable' in peer) return skip(peer.unavailable);
    const { gocraft } = await start(peer.program);
    // As a pool leaves it behind.
    await client.sAdd('work:worker_pools', 'dead');
    await client.hSet('work:worker_pools:dead', { heartbeat_at: String(Math.floor(Date.now() / 1000) - 60), job_names: 'go_echo,ours_any' });
    await client.lPush('work:jobs:ours_any:dead:inprogress', '{"name":"ours_any","id":"a","t":1,"args":{"n":1}}');
    await client.set('work:jobs:ours_any:lock', '1');
    await client.hSet('work:jobs:ours_any:lock_info', 'dead', '1');
    expect((await calls.count(1, LIMIT_MS))[0]).toEqual(['any', { n: 1 }]);
    await eventually(() => gocraft.view(), ({ pools }) => pools.every(({ worker_pool_id: id }) => id !== 'dead'), 'the dead pool to be gone');
    await eventually(() => client.get('work:jobs:ours_any:lock'), (lock) => lock === '0', 'its lock to be free');
  }, 120_000);
});
