import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Delivery } from '../../lib/brokers/broker.js';
import { EmbeddedBroker } from '../../lib/brokers/embedded/embedded-broker.js';
import { Ledger } from '../support/ledger.js';
import { startScript, type Child } from '../support/processes.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';
import { Arrivals, eventually } from '../support/wait.js';

const QUEUE = 'work';
const LIMIT_MS = 60_000;

interface Started { uuid: string; redelivered: boolean; count: number }

describe('embedded broker, several processes on one folder', () => {
  let folder: string;
  let broker: EmbeddedBroker | undefined;
  const children: Child[] = [];

  beforeEach(() => { folder = temporaryFolder('embedded'); });

  afterEach(async () => {
    await Promise.all(children.splice(0).map((child) => child.stop()));
    await broker?.close(5000);
    broker = undefined;
    removeFolder(folder);
  });

  async function open(): Promise<EmbeddedBroker> {
    broker = new EmbeddedBroker({ location: folder, exchange: 'faults' });
    await broker.connect();
    await broker.declare({ queues: [{ name: QUEUE, bindingKeys: [QUEUE] }] });
    return broker;
  }

  function start(...args: (string | number)[]): Child {
    const [role, ...rest] = args.map(String);
    const child = startScript('test/faults/embedded-child.ts', { args: [role as string, folder, QUEUE, ...rest] });
    children.push(child);
    return child;
  }

  async function startConsumer(prefetch: number, hold: 'none' | 'tenth' | 'all'): Promise<Child> {
    const child = start('consume', prefetch, hold);
    await child.line(/"ready"/);
    return child;
  }

  async function publish(to: EmbeddedBroker, count: number, ledger: Ledger): Promise<void> {
    const uuids = Array.from({ length: count }, (_, index) => `task-${index}`);
    await Promise.all(uuids.map((uuid) => ledger.offer(uuid, () => to.publish({ body: Buffer.from(uuid), properties: {} }, { routingKey: QUEUE }))));
  }

  async function collect(from: EmbeddedBroker, count: number): Promise<readonly Delivery[]> {
    const arrivals = new Arrivals<Delivery>();
    await from.consume(QUEUE, { tag: 'test', prefetch: 200 }, (delivery) => {
      arrivals.add(delivery);
      delivery.ack();
    });
    return arrivals.count(count, LIMIT_MS);
  }

  it('loses nothing when a consumer is killed under load, and gives to others only what it held', async () => {
    const ledger = new Ledger();
    const publisher = await open();
    const [victim, survivor] = await Promise.all([startConsumer(100, 'tenth'), startConsumer(100, 'none')]);
    const published = publish(publisher, 5000, ledger);
    await victim.lines.count(200, LIMIT_MS);
    victim.kill();
    await victim.exited();
    await published;
    await settled(ledger, [victim, survivor]);
    const byVictim = startedBy(victim);
    const twice = [...ledger.started].filter(([, times]) => times > 1).map(([uuid]) => uuid);
    const survivorStarted = new Map(startedBy(survivor).map((entry) => [entry.uuid, entry]));
    const held = byVictim.filter(({ uuid }) => uuid.endsWith('0'));
    expect(ledger.accepted.size).toBe(5000);
    expect([ledger.lost(), ledger.invented()]).toEqual([[], []]);
    expect(held.length).toBeGreaterThan(0);
    for (const { uuid } of held) expect(survivorStarted.get(uuid)).toMatchObject({ redelivered: true, count: 1 });
    expect(twice.filter((uuid) => !byVictim.some((entry) => entry.uuid === uuid))).toEqual([]);
  });

  it('gives what a killed process held to the next one that opens the folder', async () => {
    const publisher = await open();
    await publish(publisher, 20, new Ledger());
    await publisher.close(5000);
    const victim = await startConsumer(20, 'all');
    await victim.lines.count(21);
    victim.kill();
    await victim.exited();
    const deliveries = await collect(await open(), 20);
    expect(deliveries.map(({ body }) => body.toString())).toEqual(Array.from({ length: 20 }, (_, index) => `task-${index}`));
    expect(deliveries.every(({ redelivered, deliveryCount }) => redelivered && deliveryCount === 1)).toBe(true);
  });

  it('takes a stopped process for alive', async () => {
    const ledger = new Ledger();
    const publisher = await open();
    const stopped = await startConsumer(5, 'all');
    await publish(publisher, 5, ledger);
    await stopped.lines.first((line) => line.includes('task-4'), 'the last of five');
    stopped.signal('SIGSTOP');
    const victim = await startConsumer(5, 'all');
    await publisher.publish({ body: Buffer.from('given back'), properties: {} }, { queue: QUEUE });
    await victim.lines.first((line) => line.includes('given back'), 'the sixth');
    victim.kill();
    await victim.exited();
    // That it comes back shows that the living looked after the others, the stopped one among them.
    const deliveries = await collect(publisher, 1);
    stopped.signal('SIGCONT');
    stopped.send('release');
    await settled(ledger, [stopped]);
    expect(deliveries.map(({ body }) => body.toString())).toEqual(['given back']);
    expect([...ledger.started.values()]).toEqual([1, 1, 1, 1, 1]);
  });

  it('keeps every publish that was accepted when its publisher is killed, in order', async () => {
    const publisher = start('publish', 1_000_000, 0);
    await publisher.lines.count(3000, LIMIT_MS);
    publisher.kill();
    await publisher.exited();
    const accepted = publisher.lines.all.map((line) => (JSON.parse(line) as { uuid: string }).uuid);
    const reader = await open();
    const waiting = await reader.depth(QUEUE) as number;
    const found = (await collect(reader, waiting)).map(({ body }) => body.toString());
    const there = new Set(found);
    expect(accepted.filter((uuid) => !there.has(uuid))).toEqual([]);
    expect(there.size).toBe(found.length);
    const order = found.map((uuid) => Number.parseInt(uuid, 10));
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  it('delivers what was delayed before a kill, never early, also what fell due meanwhile', async () => {
    const early = start('publish', 50, 1);
    await early.line(/"ready"/);
    const late = start('publish', 50, 3000);
    await late.line(/"ready"/);
    for (const child of [early, late]) child.kill();
    const arrivedAt = new Map<string, number>();
    const reader = await open();
    const arrivals = new Arrivals<string>();
    await reader.consume(QUEUE, { tag: 'test', prefetch: 200 }, (delivery) => {
      arrivedAt.set(delivery.body.toString(), Date.now());
      delivery.ack();
      arrivals.add(delivery.body.toString());
    });
    await arrivals.count(100, LIMIT_MS);
    expect(arrivals.all.length).toBe(100);
    for (const [uuid, at] of arrivedAt) expect(at).toBeGreaterThanOrEqual(Number(uuid.split(':')[1]));
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
