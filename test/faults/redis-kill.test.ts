import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BrokerEvent, Delivery } from '../../lib/brokers/broker.js';
import { RedisBroker } from '../../lib/brokers/redis/redis-broker.js';
import { findServer } from '../../scripts/find-result-servers.mjs';
import { Ledger } from '../support/ledger.js';
import { startScript, type Child } from '../support/processes.js';
import { RedisServer } from '../support/redis.js';
import { Arrivals, eventually } from '../support/wait.js';

const QUEUE = 'work';
const LIMIT_MS = 120_000;
/** Short, so that a frozen process is given up soon. */
const SILENT_MS = 6_000;

interface Started { uuid: string; redelivered: boolean; count: number }

describe.skipIf(findServer('redis-server') === undefined)('a broker on Redis, of which anything may be killed', () => {
  let server: RedisServer;
  const brokers: RedisBroker[] = [];
  const children: Child[] = [];

  beforeEach(async () => { server = await RedisServer.start(); });
  afterEach(async () => {
    await Promise.all(children.splice(0).map((child) => child.stop()));
    await Promise.all(brokers.splice(0).map((broker) => broker.close(5_000)));
    await server.stop();
  });

  async function open(): Promise<RedisBroker> {
    const broker = new RedisBroker({ url: server.url, exchange: 'faults', reconnection: { retries: 'forever' }, silentMs: SILENT_MS, publishing: { maxWaitMs: LIMIT_MS } });
    brokers.push(broker);
    await broker.connect();
    await broker.declare({ queues: [{ name: QUEUE, bindingKeys: [QUEUE] }] });
    return broker;
  }

  function start(...args: (string | number)[]): Child {
    const [role, ...rest] = args.map(String);
    const child = startScript('test/faults/redis-child.ts', { args: [role as string, server.url, QUEUE, ...rest, String(SILENT_MS)] });
    children.push(child);
    return child;
  }

  async function startConsumer(prefetch: number, hold: 'none' | 'tenth' | 'all'): Promise<Child> {
    const child = start('consume', prefetch, hold);
    await child.line(/"ready"/, LIMIT_MS);
    return child;
  }

  async function publish(to: RedisBroker, count: number, ledger: Ledger): Promise<void> {
    await Promise.all(Array.from({ length: count }, (_, index) => `task-${index}`)
      .map((uuid) => ledger.offer(uuid, () => to.publish({ body: Buffer.from(uuid), properties: {} }, { routingKey: QUEUE }))));
  }

  async function collect(from: RedisBroker, count: number): Promise<readonly Delivery[]> {
    const arrivals = new Arrivals<Delivery>();
    await from.consume(QUEUE, { tag: 'test', prefetch: 200 }, (delivery) => {
      arrivals.add(delivery);
      delivery.ack();
    });
    return arrivals.count(count, LIMIT_MS);
  }

  it('loses nothing when a consumer is killed under load, and gives to others only what it held, within ten seconds', async () => {
    const ledger = new Ledger();
    const publisher = await open();
    const [victim, survivor] = await Promise.all([startConsumer(100, 'tenth'), startConsumer(100, 'none')]);
    const published = publish(publisher, 5_000, ledger);
    await victim.lines.count(200, LIMIT_MS);
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

  it('loses nothing when Redis is killed under load, twice, and what a consumer holds stays its own', async () => {
    const ledger = new Ledger();
    const publisher = await open();
    const [holder, worker] = await Promise.all([startConsumer(10, 'all'), startConsumer(100, 'none')]);
    const published = publish(publisher, 20_000, ledger);
    for (const started of [2_000, 8_000]) {
      await worker.lines.count(started, LIMIT_MS);
      await server.server.kill9();
      await server.server.start();
    }
    await published;
    // Only then is there nothing that it would take in their place.
    await eventually(() => publisher.depth(QUEUE), (depth) => depth === 0, 'all but what is held to be worked off', { limitMs: LIMIT_MS });
    expect(startedBy(holder).length).toBe(10);
    holder.send('release');
    await holder.line(/"released"/, LIMIT_MS);
    const released = holder.lines.all.filter((line) => line.startsWith('{"settled"')).map((line) => JSON.parse(line) as { settled: string; inTime: boolean });
    for (const { settled: uuid } of released) ledger.add({ kind: 'finished', uuid });
    await settled(ledger, [worker]);
    expect(ledger.accepted.size).toBe(20_000);
    expect([ledger.lost(), ledger.invented()]).toEqual([[], []]);
    expect(released.map(({ inTime }) => inTime)).toEqual(Array(10).fill(true));
  });

  it('takes from a frozen process what it holds, which notices when it goes on', async () => {
    const publisher = await open();
    const frozen = await startConsumer(5, 'all');
    await publish(publisher, 5, new Ledger());
    await frozen.line(/task-4/, LIMIT_MS);
    frozen.signal('SIGSTOP');
    const deliveries = await collect(publisher, 5);
    expect(deliveries.map(({ body, redelivered, deliveryCount }) => [body.toString(), redelivered, deliveryCount]))
      .toEqual(Array.from({ length: 5 }, (_, index) => [`task-${index}`, true, 1]));
    frozen.signal('SIGCONT');
    frozen.send('release');
    await frozen.line(/"released"/, LIMIT_MS);
    expect(frozen.lines.all.filter((line) => line.startsWith('{"settled"')).map((line) => (JSON.parse(line) as { inTime: boolean }).inTime)).toEqual(Array(5).fill(false));
    // Under a new name it goes on.
    await publisher.close(5_000);
    await publish(await open(), 1, new Ledger());
    await eventually(() => startedBy(frozen).length, (count) => count === 6, 'it to work again', { limitMs: LIMIT_MS });
  });

  it('gives what a killed process held to the next one that comes', async () => {
    const publisher = await open();
    await publish(publisher, 20, new Ledger());
    await publisher.close(5_000);
    const victim = await startConsumer(20, 'all');
    await victim.line(/task-19/, LIMIT_MS);
    victim.kill();
    await victim.exited();
    const deliveries = await collect(await open(), 20);
    expect(deliveries.map(({ body }) => body.toString())).toEqual(Array.from({ length: 20 }, (_, index) => `task-${index}`));
    expect(deliveries.every(({ redelivered, deliveryCount }) => redelivered && deliveryCount === 1)).toBe(true);
  });

  it('keeps every publish that was accepted when its publisher is killed, in order', async () => {
    const publisher = start('publish', 1_000_000, 0);
    await publisher.lines.count(3_000, LIMIT_MS);
    publisher.kill();
    await publisher.exited();
    const accepted = publisher.lines.all.filter((line) => line.startsWith('{"kind"')).map((line) => (JSON.parse(line) as { uuid: string }).uuid);
    const reader = await open();
    const found = (await collect(reader, await reader.depth(QUEUE) as number)).map(({ body }) => body.toString());
    const there = new Set(found);
    expect(accepted.filter((uuid) => !there.has(uuid))).toEqual([]);
    expect(there.size).toBe(found.length);
    const order = found.map((uuid) => Number.parseInt(uuid, 10));
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  it('delivers what was delayed before both were killed, never early, also what fell due meanwhile', async () => {
    const early = start('publish', 50, 1);
    await early.line(/"ready"/, LIMIT_MS);
    const late = start('publish', 50, 3_000);
    await late.line(/"ready"/, LIMIT_MS);
    for (const child of [early, late]) child.kill();
    await server.server.kill9();
    await server.server.start();
    const arrivedAt = new Map<string, number>();
    const reader = await open();
    const arrivals = new Arrivals<string>();
    await reader.consume(QUEUE, { tag: 'test', prefetch: 200 }, (delivery) => {
      arrivedAt.set(delivery.body.toString(), Date.now());
      delivery.ack();
      arrivals.add(delivery.body.toString());
    });
    await arrivals.count(100, LIMIT_MS);
    for (const [uuid, at] of arrivedAt) expect(at).toBeGreaterThanOrEqual(Number(uuid.split(':')[1]));
  });

  it('notices a Redis that has frozen, and goes on with it when it thaws', async () => {
    const broker = await open();
    const events = new Arrivals<BrokerEvent>();
    broker.events.subscribe(events.add);
    server.server.freeze();
    const published = broker.publish({ body: Buffer.from('through'), properties: {} }, { queue: QUEUE });
    await events.first(({ type }) => type === 'broker.connection-lost', 'the connection to be given up', LIMIT_MS);
    server.server.thaw();
    await published;
    expect((await collect(broker, 1)).map(({ body }) => body.toString())).toContain('through');
  });
});

function startedBy(child: Child): Started[] {
  return child.lines.all.filter((line) => line.startsWith('{"kind":"started"')).map((line) => JSON.parse(line) as Started);
}

/** Books what these children have printed, until nothing is lost. */
async function settled(ledger: Ledger, children: readonly Child[]): Promise<void> {
  const read = children.map(() => 0);
  const bookNewLines = (): string[] => {
    children.forEach(({ lines }, child) => {
      while (read[child]! < lines.all.length) ledger.addLine(lines.all[read[child]!++] as string);
    });
    return ledger.lost();
  };
  await eventually(bookNewLines, (lost) => lost.length === 0, 'every accepted message to be finished', { limitMs: LIMIT_MS });
}
