import { createClient } from '@redis/client';
import { describe, expect, it } from 'vitest';
import { findServer } from '../../scripts/find-result-servers.mjs';
import { acceptedBy, BrokerProcesses, collect, FOREIGN_KINDS, KILL_LIMIT_MS, publishTasks, settled, startedBy, uuidOf, type BrokerKind } from '../support/broker-processes.js';
import { Ledger } from '../support/ledger.js';
import { RedisServer } from '../support/redis.js';
import { eventually } from '../support/wait.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';
import { onTestFinished } from '../support/test-end.js';

interface Place { location: string; killServer(): Promise<void>; remove(): void | Promise<void> }

async function placeOf(kind: BrokerKind): Promise<Place> {
  if (kind === 'embedded') {
    const location = temporaryFolder('embedded');
    return { location, killServer: () => Promise.resolve(), remove: () => removeFolder(location) };
  }
  const redis = await RedisServer.start();
  const killServer = async (): Promise<void> => {
    await redis.server.kill9();
    await redis.server.start();
  };
  return { location: redis.url, killServer, remove: () => redis.stop() };
}

/** Of one test: all kinds run side by side, since most of what they do is to wait until a lease has ended. */
async function stageOn(kind: BrokerKind, skip: (note: string) => never): Promise<{ place: Place; processes: BrokerProcesses }> {
  if (kind !== 'embedded' && findServer('redis-server') === undefined) return skip('no redis-server here');
  const place = await placeOf(kind);
  onTestFinished(() => place.remove());
  const processes = new BrokerProcesses(kind, place.location);
  onTestFinished(() => processes.stop());
  return { place, processes };
}

/** What a process of ours had counted there is counted off again, also where it died. */
async function expectNoLocks({ location }: Place): Promise<void> {
  const client = createClient({ url: location });
  await client.connect();
  try {
    await eventually(() => client.get('work:jobs:T:lock'), (lock) => lock === '0', 'the lock to be free');
    expect(Object.values(await client.hGetAll('work:jobs:T:lock_info')).every((count) => count === '0')).toBe(true);
    expect(await client.keys('work:jobs:T:*:inprogress')).toEqual([]);
  } finally {
    await client.close();
  }
}

describe.concurrent.each<BrokerKind>(['embedded', 'redis', ...FOREIGN_KINDS])('on the %s broker, processes that are killed', (kind) => {
  it('lose nothing when they consume under load, and give to others only what they held', async ({ skip }) => {
    const { processes } = await stageOn(kind, skip);
    const ledger = new Ledger();
    const publisher = await processes.open();
    const [victim, survivor] = await Promise.all([processes.startConsumer(100, 'tenth'), processes.startConsumer(100, 'none')]);
    const published = publishTasks(publisher, 5_000, ledger, kind);
    await victim.lines.count(200, KILL_LIMIT_MS);
    victim.kill();
    await victim.exited();
    await published;
    await settled(ledger, [victim, survivor]);
    const held = startedBy(victim).filter(({ uuid }) => uuid.endsWith('0'));
    const survivorStarted = new Map(startedBy(survivor).map((entry) => [entry.uuid, entry]));
    const twice = [...ledger.started].filter(([, times]) => times > 1).map(([uuid]) => uuid);
    expect(ledger.accepted.size).toBe(5_000);
    expect([ledger.lost(), ledger.invented()]).toEqual([[], []]);
    expect(held.length).toBeGreaterThan(0);
    for (const { uuid } of held) expect(survivorStarted.get(uuid)).toMatchObject({ redelivered: true, count: 1 });
    const byVictim = new Set(startedBy(victim).map(({ uuid }) => uuid));
    expect(twice.filter((uuid) => !byVictim.has(uuid))).toEqual([]);
  });

  it('leave what they held to the next one that comes', async ({ skip }) => {
    const { place, processes } = await stageOn(kind, skip);
    const publisher = await processes.open();
    await publishTasks(publisher, 20, undefined, kind);
    await publisher.close(5_000);
    const victim = await processes.startConsumer(20, 'all');
    await victim.line(/task-19/, KILL_LIMIT_MS);
    victim.kill();
    await victim.exited();
    const deliveries = await collect(await processes.open(), 20);
    expect(deliveries.map(uuidOf)).toEqual(Array.from({ length: 20 }, (_, index) => `task-${index}`));
    expect(deliveries.every(({ redelivered, deliveryCount }) => redelivered && deliveryCount === 1)).toBe(true);
    if (kind === 'gocraft') await expectNoLocks(place);
  });
});

describe.concurrent.each<BrokerKind>(['embedded', 'redis'])('on the %s broker, processes that are killed', (kind) => {
  it('lose no publish that was accepted, and keep their order', async ({ skip }) => {
    const { processes } = await stageOn(kind, skip);
    const publisher = processes.startPublisher(1_000_000, 0);
    await publisher.lines.count(3_000, KILL_LIMIT_MS);
    publisher.kill();
    await publisher.exited();
    const reader = await processes.open();
    const found = (await collect(reader, await reader.depth(processes.queue) as number)).map(({ body }) => body.toString());
    const there = new Set(found);
    expect(acceptedBy(publisher).length).toBeGreaterThan(0);
    expect(acceptedBy(publisher).filter((uuid) => !there.has(uuid))).toEqual([]);
    expect(there.size).toBe(found.length);
    const order = found.map((uuid) => Number.parseInt(uuid, 10));
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  it('leave what they delayed, which is delivered and never early, also what falls due meanwhile; the server may be killed too', async ({ skip }) => {
    const { place, processes } = await stageOn(kind, skip);
    const early = processes.startPublisher(50, 1);
    await early.line(/"ready"/, KILL_LIMIT_MS);
    const late = processes.startPublisher(50, 3_000);
    await late.line(/"ready"/, KILL_LIMIT_MS);
    for (const child of [early, late]) child.kill();
    await place.killServer();
    const arrivedAt = new Map<string, number>();
    await collect(await processes.open(), 100, ({ body }) => arrivedAt.set(body.toString(), Date.now()));
    expect(arrivedAt.size).toBe(100);
    for (const [uuid, at] of arrivedAt) expect(at).toBeGreaterThanOrEqual(Number(uuid.split(':')[1]));
  });
});
