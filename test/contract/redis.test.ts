import { createClient } from '@redis/client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { BrokerEvent } from '../../lib/brokers/broker.js';
import { RedisBroker } from '../../lib/brokers/redis/redis-broker.js';
import type { RedisBrokerOptions } from '../../lib/brokers/redis/redis-broker-options.js';
import { BrokerRefusedError } from '../../lib/errors.js';
import { findServer } from '../../scripts/find-result-servers.mjs';
import { formsOf, pathsTo } from '../support/reachable.js';
import { RedisServer, speaksTls } from '../support/redis.js';
import { Arrivals, eventually } from '../support/wait.js';
import { acknowledge, collect, message, numbered, publishAll } from '../../lib/contract-suites/broker/bench.js';
import { heldToTheBrokerContract } from './broker-contract.js';

const missing = findServer('redis-server') === undefined;

describe.skipIf(missing)('on Redis', () => {
  let server: RedisServer;
  beforeAll(async () => { server = await RedisServer.start({ password: 'secret' }); });
  afterAll(() => server.stop());

  // Names are unique, and the server goes as a whole: there is nothing to remove one by one.
  heldToTheBrokerContract('redis', (exchange) => ({
    exchange, makeBroker: () => new RedisBroker({ url: server.url, exchange, reconnection: { retries: 'forever' } }),
    removeQueues: () => Promise.resolve(), replies: 'none',
  }), { outlivesItsObject: true, countsDeaths: true, showsFirst: true });
});

describe.skipIf(missing)('a broker on Redis', () => {
  let server: RedisServer;
  const brokers: RedisBroker[] = [];
  beforeAll(async () => { server = await RedisServer.start({ password: 'secret' }); });
  afterAll(() => server.stop());
  afterEach(async () => {
    await Promise.all(brokers.splice(0).map((broker) => broker.close(5_000)));
    await ask('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    await ask('CONFIG', 'SET', 'maxmemory', '0');
    await ask('CONFIG', 'SET', 'appendonly', 'yes');
  });

  async function ask<T>(...command: string[]): Promise<T> {
    const client = await createClient({ url: server.url }).connect();
    try {
      return await client.sendCommand<T>(command);
    } finally {
      client.destroy();
    }
  }

  async function majorVersion(): Promise<number> {
    return Number(/^redis_version:(\d+)/m.exec(await ask<string>('INFO', 'server'))?.[1]);
  }

  function make(options: Partial<RedisBrokerOptions> = {}): { broker: RedisBroker; events: Arrivals<BrokerEvent> } {
    const broker = new RedisBroker({ url: server.url, exchange: 'own', reconnection: { retries: 'forever' }, ...options });
    brokers.push(broker);
    const events = new Arrivals<BrokerEvent>();
    broker.events.subscribe(events.add);
    return { broker, events };
  }

  async function connect(options: Partial<RedisBrokerOptions> = {}): Promise<RedisBroker> {
    const { broker } = make(options);
    await broker.connect();
    return broker;
  }

  it('is not one where Redis may throw tasks away', async () => {
    await ask('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    const error: unknown = await connect().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(BrokerRefusedError);
    expect((error as Error).message).toMatch(/maxmemory-policy allkeys-lru.*Set maxmemory-policy noeviction/);
  });

  it('says that a restart loses tasks where nothing is appended', async () => {
    await ask('CONFIG', 'SET', 'appendonly', 'no');
    const { broker, events } = make();
    await broker.connect();
    await events.first((event) => event.type === 'broker.warning' && event.message.includes('appendonly no'), 'the warning');
  });

  it.each([['a wrong password', ':wrong@', '/0'], ['no password', '', '/0'], ['a database that is not there', ':secret@', '/99']])('is refused at once with %s, in words that hide it', async (_, credentials, path) => {
    const error: unknown = await connect({ url: `redis://${credentials}127.0.0.1:${server.port}${path}` }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(BrokerRefusedError);
    expect((error as Error).message).not.toMatch(/wrong@|secret/);
  });

  it('shows its password nowhere while it is connected', async () => {
    const broker = await connect();
    await broker.watchBroadcasts('topic', () => undefined);
    expect(pathsTo(formsOf('secret'), broker)).toEqual([]);
  });

  it.skipIf(!speaksTls())('works through a socket, with TLS, and apart from other databases and exchanges', async () => {
    const secure = await RedisServer.start({ tls: true });
    try {
      for (const options of [{ url: `redis+socket://secret@${server.socketPath}:/3` }, { url: secure.url, tls: { ca: secure.certificate } }, { exchange: 'other}:x' }]) {
        const broker = await connect(options);
        await broker.declare({ queues: [{ name: 'q', bindingKeys: ['k'] }] });
        await broker.publish(message('one'), { routingKey: 'k' });
        expect(await broker.depth('q')).toBe(1);
      }
      await expect(connect({ url: secure.url })).rejects.toBeInstanceOf(BrokerRefusedError);
      expect(await (await connect()).depth('q')).toBeUndefined();
    } finally {
      await Promise.all(brokers.splice(0).map((broker) => broker.close(5_000)));
      await secure.stop();
    }
  });

  it('works for a user with no more rights than the documentation says, and says which are missing', async () => {
    const rights = ['resetchannels', '~{dispatcher:own}:*', '&*{dispatcher:own}:*', '+@all', '-@dangerous', '+info'];
    await ask('ACL', 'SETUSER', 'tasks', 'on', '>pass', ...rights);
    const broker = await connect({ url: `redis://tasks:pass@127.0.0.1:${server.port}/0` });
    await broker.declare({ queues: [{ name: 'acl', bindingKeys: ['acl'] }] });
    const seen = new Arrivals<Buffer>();
    await broker.watchBroadcasts('topic', seen.add);
    await broker.watchSignals(() => undefined);
    await broker.broadcast('topic', Buffer.from('hello'));
    await broker.signal();
    const { deliveries } = await collect(broker, 'acl', 1, acknowledge);
    await broker.publish(message('one'), { routingKey: 'acl' }, { delayMs: 10 });
    await Promise.all([deliveries.count(1), seen.count(1)]);
    const error: unknown = await connect({ url: `redis://tasks:pass@127.0.0.1:${server.port}/0`, exchange: 'foreign' }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(BrokerRefusedError);
  });

  it('leaves nothing of what was acknowledged, purged, or delayed and done', async () => {
    const broker = await connect({ exchange: 'clean', url: server.url.replace('/0', '/5') });
    await broker.declare({ queues: [{ name: 'q', bindingKeys: ['k'] }, { name: 'p' }] });
    await publishAll(broker, 'q', numbered(500));
    await publishAll(broker, 'p', numbered(500));
    for (const body of numbered(20)) await broker.publish(message(body), { routingKey: 'k' }, { delayMs: 20 });
    const { deliveries, consumption } = await collect(broker, 'q', 50, (delivery) => {
      if (delivery.redelivered || Number(delivery.body.toString().slice(2)) % 3 > 0) delivery.ack();
      else delivery.requeue();
    });
    // 167 of the 500 and 7 of the 20 come twice.
    await deliveries.count(520 + 174, 30_000);
    await consumption.close();
    expect(await broker.purge('p')).toBe(500);
    await broker.close(5_000);
    const client = await createClient({ url: server.url.replace('/0', '/5') }).connect();
    try {
      expect((await client.keys('*')).sort()).toEqual(['bindings', 'last', 'queues'].map((name) => `{dispatcher:clean}:${name}`));
    } finally {
      client.destroy();
    }
  });

  it('is blocked while Redis has no memory for more, works off what is there, and then takes more', async () => {
    const { broker, events } = make({ exchange: 'full' });
    await broker.connect();
    await broker.declare({ queues: [{ name: 'q' }] });
    await publishAll(broker, 'q', numbered(10));
    await ask('CONFIG', 'SET', 'maxmemory', '1');
    const waiting = broker.publish(message('waits'), { queue: 'q' });
    await events.first(({ type }) => type === 'broker.blocked', 'broker.blocked');
    expect(broker.state.status).toBe('blocked');
    const { deliveries } = await collect(broker, 'q', 3, acknowledge);
    // What is there is worked off from 7.0 on.
    if (await majorVersion() >= 7) await deliveries.count(10);
    await ask('CONFIG', 'SET', 'maxmemory', '0');
    await waiting;
    await deliveries.count(11);
    await eventually(() => broker.state.status, (status) => status === 'ready', 'the broker to be ready');
  });

  /** Regression: 32 MiB that waited for one connection had Redis cut it off, and the same was taken again with the next one. */
  it('hands out tasks of megabytes, of several queues at once, over one connection', async () => {
    const { broker, events } = make({ exchange: 'large', url: server.url.replace('/0', '/7') });
    await broker.connect();
    const queues = ['q1', 'q2', 'q3'];
    await broker.declare({ queues: queues.map((name) => ({ name })) });
    const body = Buffer.alloc(4_000_000, 'a');
    for (const queue of queues) {
      for (let count = 0; count < 10; count++) await broker.publish({ body, properties: {} }, { queue });
    }
    const seen = new Arrivals<number>();
    for (const queue of queues) {
      await broker.consume(queue, { tag: queue, prefetch: 50 }, (delivery) => {
        seen.add(delivery.body.length);
        delivery.ack();
      });
    }
    expect(await seen.count(30, 60_000)).toEqual(Array(30).fill(4_000_000));
    expect(events.all.filter(({ type }) => type === 'broker.connection-lost')).toEqual([]);
  });

  it('works on after Redis was told to forget all scripts, and was emptied', async () => {
    const broker = await connect({ exchange: 'emptied', url: server.url.replace('/0', '/6') });
    await broker.declare({ queues: [{ name: 'q' }] });
    await ask('SCRIPT', 'FLUSH');
    await broker.publish(message('one'), { queue: 'q' });
    expect(await broker.depth('q')).toBe(1);
  });
});
