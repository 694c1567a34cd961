import { afterEach, describe, expect, it } from 'vitest';
import { RedisBroker } from '../../lib/brokers/redis/redis-broker.js';
import { createResultBackend } from '../../lib/state/create-result-backend.js';
import { findServer } from '../../scripts/find-result-servers.mjs';
import { RedisCluster, SentinelPair, type RedisNode } from '../support/redis-groups.js';
import { Arrivals, eventually } from '../support/wait.js';

const QUEUE = 'work';
const LIMIT_MS = 120_000;
const KEYS = '{dispatcher:failover}:';

describe.skipIf(findServer('redis-server') === undefined)('a broker on several Redis', () => {
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => { for (const close of closing.splice(0).reverse()) await close(); });

  async function open(url: string): Promise<{ broker: RedisBroker; seen: Arrivals<string> }> {
    const broker = new RedisBroker({ url, exchange: 'failover', reconnection: { retries: 'forever' }, publishing: { maxWaitMs: LIMIT_MS } });
    closing.push(() => broker.close(5_000));
    await broker.connect();
    await broker.declare({ queues: [{ name: QUEUE, bindingKeys: [QUEUE] }] });
    const seen = new Arrivals<string>();
    await broker.consume(QUEUE, { tag: 'test', prefetch: 10 }, (delivery) => {
      seen.add(delivery.body.toString());
      delivery.ack();
    });
    return { broker, seen };
  }

  const publish = (broker: RedisBroker, names: readonly string[]): Promise<unknown> =>
    Promise.all(names.map((name) => broker.publish({ body: Buffer.from(name), properties: { messageId: name } }, { routingKey: QUEUE })));
  const named = (prefix: string): string[] => Array.from({ length: 200 }, (_, index) => `${prefix}-${index}`);

  /** What the replica has, it keeps; what comes while nobody serves, waits. */
  async function goesOnAfter(primary: RedisNode, replica: RedisNode, url: string): Promise<void> {
    const { broker, seen } = await open(url);
    await publish(broker, named('before'));
    await seen.count(200, LIMIT_MS);
    await broker.publish({ body: Buffer.from('later'), properties: {} }, { queue: QUEUE }, { delayMs: 3_000 });
    const { offset } = await positions(primary);
    await eventually(() => positions(replica), (there) => there.offset >= offset, 'the replica to have all');
    await primary.server.kill9();
    await publish(broker, named('after'));
    await seen.until(() => new Set(seen.all).size === 401, LIMIT_MS, () => `all to be delivered; there are ${new Set(seen.all).size}`);
    expect(await replica.isPrimary()).toBe(true);
    expect(broker.state.status).toBe('ready');
  }

  async function positions(node: RedisNode): Promise<{ offset: number }> {
    const info = await node.ask<string>('INFO', 'replication');
    return { offset: Number(/^(?:slave_repl_offset|master_repl_offset):(\d+)/m.exec(info)?.[1] ?? 0) };
  }

  it('goes on with the replica when the primary is killed, which its sentinels know', async () => {
    const pair = await SentinelPair.start();
    closing.push(() => pair.stop());
    await goesOnAfter(pair.primary, pair.replica, pair.url);
    const state = createResultBackend(pair.url, { exchange: 'failover' });
    closing.push(() => state.close(5_000));
    await state.connect();
    await state.set('k', Buffer.from('v'), { expiresInMs: 60_000 });
    expect((await state.get('k'))?.toString()).toBe('v');
  });

  it('finds its node in a cluster of three from whichever it is told, and its state beside it', async () => {
    const cluster = await RedisCluster.start();
    closing.push(() => cluster.stop());
    for (const [index, node] of cluster.primaries.entries()) {
      const { broker, seen } = await open(cluster.urlFrom(node));
      await publish(broker, [`from-${index}`]);
      await seen.count(1, LIMIT_MS);
      await broker.close(5_000);
      const state = createResultBackend(cluster.urlFrom(node), { exchange: 'failover' });
      closing.push(() => state.close(5_000));
      await state.connect();
      await state.set(`k-${index}`, Buffer.from('v'), { expiresInMs: 60_000 });
      expect((await Promise.all([state.get('k-0'), state.get(`k-${index}`)])).map(String)).toEqual(['v', 'v']);
    }
    const owner = await cluster.ownerOf(KEYS);
    const sizes = await Promise.all(cluster.primaries.map((node) => node.ask<number>('DBSIZE')));
    expect(sizes.filter((size) => size > 0)).toHaveLength(1);
    expect(sizes[cluster.primaries.indexOf(owner)]).toBeGreaterThan(0);
  });

  it('goes on with the replica of its node of a cluster when that node is killed', async () => {
    const cluster = await RedisCluster.start();
    closing.push(() => cluster.stop());
    const owner = await cluster.ownerOf(KEYS);
    const replica = await cluster.addReplicaOf(owner);
    await goesOnAfter(owner, replica, cluster.urlFrom(owner, ...cluster.primaries.filter((node) => node !== owner)));
  });
});
