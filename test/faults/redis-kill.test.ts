import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BrokerEvent } from '../../lib/brokers/broker.js';
import { findServer } from '../../scripts/find-result-servers.mjs';
import { BrokerProcesses, collect, KILL_LIMIT_MS, publishTasks, releasedInTime, settled, startedBy } from '../support/broker-processes.js';
import { Ledger } from '../support/ledger.js';
import { RedisServer } from '../support/redis.js';
import { Arrivals, eventually } from '../support/wait.js';

describe.skipIf(findServer('redis-server') === undefined)('a broker on Redis, whose server is killed or frozen, or one of its processes frozen', () => {
  let server: RedisServer;
  let processes: BrokerProcesses;

  beforeEach(async () => {
    server = await RedisServer.start();
    processes = new BrokerProcesses('redis', server.url);
  });
  afterEach(async () => {
    await processes.stop();
    await server.stop();
  });

  it('loses nothing when Redis is killed under load, twice, and what a consumer holds stays its own', async () => {
    const ledger = new Ledger();
    const publisher = await processes.open();
    const [holder, worker] = await Promise.all([processes.startConsumer(10, 'all'), processes.startConsumer(100, 'none')]);
    const published = publishTasks(publisher, 20_000, ledger);
    for (const started of [2_000, 8_000]) {
      await worker.lines.count(started, KILL_LIMIT_MS);
      await server.server.kill9();
      await server.server.start();
    }
    await published;
    // Only then is there nothing that it would take in their place.
    await eventually(() => publisher.depth(processes.queue), (depth) => depth === 0, 'all but what is held to be worked off', { limitMs: KILL_LIMIT_MS });
    expect(startedBy(holder).length).toBe(10);
    holder.send('release');
    await holder.line(/"released"/, KILL_LIMIT_MS);
    await settled(ledger, [worker, holder]);
    expect(ledger.accepted.size).toBe(20_000);
    expect([ledger.lost(), ledger.invented()]).toEqual([[], []]);
    expect(releasedInTime(holder)).toEqual(Array(10).fill(true));
  });

  it('takes from a frozen process what it holds, which notices when it goes on', async () => {
    const publisher = await processes.open();
    const frozen = await processes.startConsumer(5, 'all');
    await publishTasks(publisher, 5);
    await frozen.line(/task-4/, KILL_LIMIT_MS);
    frozen.signal('SIGSTOP');
    const deliveries = await collect(publisher, 5);
    expect(deliveries.map(({ body, redelivered, deliveryCount }) => [body.toString(), redelivered, deliveryCount]))
      .toEqual(Array.from({ length: 5 }, (_, index) => [`task-${index}`, true, 1]));
    frozen.signal('SIGCONT');
    frozen.send('release');
    await frozen.line(/"released"/, KILL_LIMIT_MS);
    expect(releasedInTime(frozen)).toEqual(Array(5).fill(false));
    // Under a new name it goes on.
    await publisher.close(5_000);
    await publishTasks(await processes.open(), 1);
    await eventually(() => startedBy(frozen).length, (count) => count === 6, 'it to work again', { limitMs: KILL_LIMIT_MS });
  });

  it('notices a Redis that has frozen, and goes on with it when it thaws', async () => {
    const broker = await processes.open();
    const events = new Arrivals<BrokerEvent>();
    broker.events.subscribe(events.add);
    server.server.freeze();
    const published = broker.publish({ body: Buffer.from('through'), properties: {} }, { queue: processes.queue });
    await events.first(({ type }) => type === 'broker.connection-lost', 'the connection to be given up', KILL_LIMIT_MS);
    server.server.thaw();
    await published;
    expect((await collect(broker, 1)).map(({ body }) => body.toString())).toContain('through');
  });
});
