import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { createClient } from '@redis/client';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { Task, type DispatcherService, type TaskArgument } from '../../lib/index.js';
import { findServer } from '../../scripts/find-result-servers.mjs';
import { startOn } from '../support/nest-on-broker.js';
import { jsonOf, randomJson, seededRandom } from '../support/random-values.js';
import { RedisServer } from '../support/redis.js';
import { findSidekiq, Sidekiq, type SidekiqPeer } from '../support/sidekiq-peer.js';
import { Arrivals, eventually } from '../support/wait.js';

const TASKS = 1_000;
const LIMIT_MS = 90_000;
const calls = new Arrivals<[name: string, ...values: unknown[]]>();
/** Whether what fails still does. */
let isBroken = true;

@Injectable()
class Ours {
  @Task('Ours::Any') any(...values: unknown[]): void { calls.add(['any', ...values]); }
  @Task('ours.echoed') echoed(...values: unknown[]): void { calls.add(['echoed', ...values]); }
  @Task('SharedJob') shared(number: number): void { calls.add(['shared', number]); }
  @Task('Ours::Fails') fails(...values: unknown[]): void {
    calls.add(['fails', ...values]);
    if (isBroken) throw new TypeError('it fails here');
  }
}

let peer: SidekiqPeer;
let redis: RedisServer;
let client: ReturnType<typeof createClient>;
const hasRedis = findServer('redis-server') !== undefined;

describe.skipIf(!hasRedis)('Sidekiq and we, on one Redis', () => {
  beforeAll(async () => {
    peer = await findSidekiq();
    redis = await RedisServer.start();
    client = createClient({ url: redis.url });
    await client.connect();
  }, LIMIT_MS);
  afterAll(async () => {
    if ('unavailable' in peer) console.warn(`Not seen beside Sidekiq: ${peer.unavailable}`);
    await client.close();
    await redis.stop();
  });
  beforeEach(async () => {
    calls.all.length = 0;
    isBroken = true;
    await client.sendCommand(['FLUSHALL']);
  });

  async function start(): Promise<{ service: DispatcherService; sidekiq: Sidekiq }> {
    const { service } = await startOn({
      broker: redis.url, exchange: 'tasks', defaultRoutingKey: 'ours', shutdownTimeoutSeconds: 10,
      initQueues: [{ name: 'theirs', bindingKeys: ['theirs'], format: 'sidekiq' }],
      workers: [{ name: 'w', queue: 'ours', bindingKeys: ['ours'], format: 'sidekiq', limit: 10 }],
    }, { providers: [Ours] });
    return { service, sidekiq: new Sidekiq(redis.url, 'ours') };
  }

  function startSidekiq(sidekiq: Sidekiq, queue: string): { readonly log: () => string } {
    const worker = sidekiq.work(queue);
    onTestFinished(async () => {
      const ended = new Promise((resolve) => worker.process.once('exit', resolve));
      worker.process.kill('SIGKILL');
      await ended;
    });
    return worker;
  }

  function fileOf(jobs: readonly string[]): string {
    const file = join(redis.folder, `jobs-${process.hrtime.bigint()}.jsonl`);
    writeFileSync(file, jobs.join('\n'));
    return file;
  }

  /** What waits there is due now. */
  async function dueNow(set: string): Promise<void> {
    for (const { value, score } of await client.zRangeWithScores(set, 0, -1)) await client.zAdd(set, { value, score: score - 1e7 });
  }

  it('what it enqueues runs here, arguments of every kind, what is scheduled too', async ({ skip }) => {
    if ('unavailable' in peer) return skip(peer.unavailable);
    const { sidekiq } = await start();
    const random = seededRandom(20_261_126);
    const values = Array.from({ length: TASKS }, (_, at) => [at, ...Array.from({ length: Math.floor(random() * 6) }, () => randomJson(random))]);
    const at = Date.now() / 1000 + 3;
    await sidekiq.send(fileOf(values.map((args, index) => `{"class":"Ours::Any","queue":"ours","args":${jsonOf(args)}${index % 20 === 7 ? `,"at":${at}` : ''}}`)));
    const done = await calls.count(TASKS, LIMIT_MS, 'jobs of Sidekiq');
    const byIndex = new Map(done.map(([, index, ...rest]) => [index, [index, ...rest]]));
    for (const [index, expected] of values.entries()) expect(byIndex.get(index)).toEqual(expected);
    expect(done).toHaveLength(TASKS);
  }, 120_000);

  it('what we publish runs there, delays too', async ({ skip }) => {
    if ('unavailable' in peer) return skip(peer.unavailable);
    const { service, sidekiq } = await start();
    startSidekiq(sidekiq, 'theirs');
    const random = seededRandom(7);
    const values = Array.from({ length: TASKS }, (_, at) => [at, ...Array.from({ length: Math.floor(random() * 6) }, () => randomJson(random))]);
    const tasks = values.map((args, index) => ({
      name: 'TheirEcho', routingKey: 'theirs', ...(index % 20 === 7 ? { delaySeconds: 2 } : {}),
      args: args.map(typed),
    }));
    expect((await service.publishMany(tasks)).filter(({ accepted }) => !accepted)).toEqual([]);
    const done = await calls.count(TASKS, LIMIT_MS, 'jobs that came back');
    const byIndex = new Map(done.map(([, index, ...rest]) => [index, [index, ...rest]]));
    for (const [index, expected] of values.entries()) expect(byIndex.get(index)).toEqual(expected);
    expect(done).toHaveLength(TASKS);
  }, 120_000);

  it('what fails here waits in its retries, dies in its dead set, and is revived from both sides', async ({ skip }) => {
    if ('unavailable' in peer) return skip(peer.unavailable);
    const { service, sidekiq } = await start();
    const before = Date.now() / 1000;
    await sidekiq.send(fileOf(['{"class":"Ours::Fails","queue":"ours","args":["a"],"retry":1}']));
    await calls.count(1, LIMIT_MS);
    const retried = (await eventually(() => sidekiq.view(), ({ retries }) => retries.length === 1, 'it to wait in the retries')).retries[0]!;
    expect(retried).toMatchObject({ class: 'Ours::Fails', args: ['a'], queue: 'ours', error: 'it fails here', error_class: 'TypeError', count: 0 });
    expect(retried.at - before).toBeGreaterThanOrEqual(15);
    await dueNow('retry');
    await calls.count(2, LIMIT_MS);
    const view = await eventually(() => sidekiq.view(), ({ dead }) => dead.length === 1, 'it to be dead');
    expect(view.dead[0]).toMatchObject({ jid: retried.jid, error: 'it fails here', error_class: 'TypeError', count: 1 });
    const letters = await service.deadLetters.list('ours');
    expect(letters.letters.map(({ uuid, name, reason, error, attempt }) => [uuid, name, reason, error, attempt])).toEqual([[retried.jid, 'Ours::Fails', 'failed', 'TypeError: it fails here', 2]]);
    await sidekiq.revive();
    await calls.count(3, LIMIT_MS);
    await eventually(() => service.deadLetters.count('ours'), ({ count }) => count === 1, 'it to be dead again');
    isBroken = false;
    expect(await service.deadLetters.replay('ours', retried.jid)).toBe(true);
    await calls.count(4, LIMIT_MS);
    const end = await eventually(() => sidekiq.view(), ({ dead, queues }) => dead.length === 0 && (queues.ours ?? 0) === 0, 'nothing to be left');
    expect([end.retries, end.scheduled]).toEqual([[], []]);
  }, 120_000);

  it('its own page shows our process, and what it does; what fails there, and is dead without us, is seen here', async ({ skip }) => {
    if ('unavailable' in peer) return skip(peer.unavailable);
    const { service, sidekiq } = await start();
    await client.zAdd('dead', { score: Date.now() / 1000, value: '{"class":"Other","queue":"ours","args":[],"jid":"abc","retry_count":3,"error_message":"broken","error_class":"RuntimeError","failed_at":1795626878.7}' });
    await client.zAdd('dead', { score: Date.now() / 1000, value: '{"class":"Other","queue":"elsewhere","args":[],"jid":"def","retry_count":3}' });
    expect((await service.deadLetters.list('ours')).letters).toMatchObject([{ uuid: 'abc', name: 'Other', reason: 'failed', error: 'RuntimeError: broken', attempt: 4 }]);
    expect(await service.deadLetters.discardAll('ours')).toBe(1);
    expect((await client.zRange('dead', 0, -1)).map((text) => (JSON.parse(text) as { jid: string }).jid)).toEqual(['def']);
    await service.publish({ name: 'Ours::Any', args: [] });
    const view = await eventually(() => sidekiq.view(), ({ processes, processed }) => processes.length === 1 && processed >= 1, 'our process to be shown');
    expect(view.processes).toEqual([{ queues: ['ours'], concurrency: 10, pid: process.pid, tag: 'nestjs-dispatcher' }]);
    const pages = await sidekiq.web();
    expect(Object.values(pages).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
    expect(pages['/busy']?.body).toContain('nestjs-dispatcher');
  }, 120_000);

  it('beside its workers on one queue, nothing is lost or runs twice', async ({ skip }) => {
    if ('unavailable' in peer) return skip(peer.unavailable);
    const { service, sidekiq } = await start();
    const theirs = startSidekiq(sidekiq, 'ours');
    await eventually(() => sidekiq.view(), ({ processes }) => processes.length === 2, 'Sidekiq to be up');
    const numbers = Array.from({ length: 2_000 }, (_, at) => at);
    const [own, sent] = [numbers.slice(0, 1_000), numbers.slice(1_000)];
    await Promise.all([
      service.publishMany(own.map((value) => ({ name: 'SharedJob', args: [{ type: 'int', value }] }))),
      sidekiq.send(fileOf(sent.map((number) => `{"class":"SharedJob","queue":"ours","args":[${number}]}`))),
    ]);
    const ranThere = (): number[] => [...theirs.log().matchAll(/^(\d+) ran$/gm)].map(([, number]) => Number(number));
    await eventually(() => ranThere().length + calls.all.length, (ran) => ran >= 2_000, 'all to have run', { limitMs: LIMIT_MS });
    const ran = [...ranThere(), ...calls.all.map(([, number]) => number as number)].sort((a, b) => a - b);
    expect(ran).toEqual(numbers);
    expect([ranThere().length > 0, calls.all.length > 0]).toEqual([true, true]);
  }, 120_000);

  it('a class that only Sidekiq knows is left to it, without haste', async ({ skip }) => {
    if ('unavailable' in peer) return skip(peer.unavailable);
    const { service, sidekiq } = await start();
    const returned = new Arrivals<unknown>();
    service.events({ type: 'task.returned' }).subscribe(returned.add);
    await sidekiq.send(fileOf(['{"class":"OnlyTheirs","queue":"ours","args":["left"]}']));
    await returned.count(2, LIMIT_MS, 'returns');
    const theirs = startSidekiq(sidekiq, 'ours');
    await eventually(() => theirs.log(), (log) => log.includes('only theirs ran'), 'Sidekiq to have run it', { limitMs: LIMIT_MS });
    expect(returned.all.length).toBeLessThan(20);
  }, 120_000);
});

function typed(value: unknown): TaskArgument {
  switch (typeof value) {
    case 'string': return { type: 'string', value };
    case 'boolean': return { type: 'bool', value };
    case 'bigint': return { type: 'int64', value };
    case 'number': return { type: Number.isSafeInteger(value) ? 'int' : 'float64', value };
    default: return { type: 'json', value };
  }
}
