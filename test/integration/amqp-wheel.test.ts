import { describe, expect, it } from 'vitest';
import type { AmqpBroker } from '../../lib/brokers/amqp/amqp-broker.js';
import { bucketName, levelName, wheelName } from '../../lib/brokers/amqp/delays/delay-ladder.js';
import { message, Scene } from '../support/delay-scene.js';
import { sharedRabbitMqUrl, withChannel } from '../support/shared-rabbitmq.js';
import { SMALL_WHEEL } from '../support/small-wheel.js';
import { systemTime, takeTimeFrom } from '../../lib/time/clock.js';
import { emission, eventually, pause } from '../support/wait.js';

const url = sharedRabbitMqUrl();
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** What its notes say is there. */
async function bucketsOf(exchange: string): Promise<string[]> {
  return withChannel(url, async (channel) => {
    const keys: string[] = [];
    await channel.consume(wheelName(exchange), (note) => void (note !== null && keys.push(note.content.toString())));
    const { messageCount } = await channel.checkQueue(wheelName(exchange));
    await eventually(() => keys.length, (count) => count >= messageCount, 'the notes');
    return [...new Set(keys)].sort();
  });
}

/** @returns when each is due, by its body */
async function publishAll(broker: AmqpBroker, queue: string, delaysMs: readonly number[]): Promise<Map<string, number>> {
  const due = new Map<string, number>();
  await Promise.all(delaysMs.map((delayMs, index) => {
    due.set(String(index), Date.now() + delayMs);
    return broker.publish(message(String(index)), { queue }, { delayMs });
  }));
  return due;
}

function early(due: ReadonlyMap<string, number>, arrivedAt: ReadonlyMap<string, number>): string[] {
  return [...due].filter(([body, at]) => !(arrivedAt.get(body)! >= at)).map(([body]) => body);
}

describe.concurrent('the timing wheel on RabbitMQ', () => {
  it('brings what is due late from wide slots to narrow ones, each in time: none early, none twice, none left', async () => {
    const { exchange, queue, broker, connect, collect, arrivedAt } = await Scene.begin({ wheel: SMALL_WHEEL });
    await broker.declare({ queues: [{ name: queue }] });
    const deliveries = await collect(queue);
    await connect();
    const due = await publishAll(broker, queue, Array.from({ length: 500 }, (_, index) => 300 + (index * 7_919) % 12_000));
    await deliveries.count(due.size, 50_000);
    expect(early(due, arrivedAt)).toEqual([]);
    expect(new Set(deliveries.all.map(({ body }) => body.toString())).size).toBe(due.size);
    expect(await broker.delayedCount()).toBe(0);
    const levels = new Set((await bucketsOf(exchange)).map((key) => key[0]));
    expect([...levels]).toEqual(['0', '1', '2']);
  });

  it('keeps what is due in hours, days and years apart, and makes no bucket but theirs', async () => {
    const { exchange, queue, broker } = await Scene.begin();
    await broker.declare({ queues: [{ name: queue }] });
    const bounds = [60_000, 6 * HOUR_MS, 40 * DAY_MS];
    const before = await broker.delayedWithin(bounds);
    await publishAll(broker, queue, [20_000, 3 * HOUR_MS, 30 * DAY_MS, 2_000 * DAY_MS]);
    expect((await broker.delayedWithin(bounds)).map((count, index) => count - before[index]!)).toEqual([1, 1, 1, 1]);
    const keys = await bucketsOf(exchange);
    expect(keys.map((key) => key[0])).toEqual(['0', '2', '3', '4']);
    await withChannel(url, async (channel) => {
      for (const key of keys) expect(await channel.checkQueue(bucketName(exchange, key))).toMatchObject({ messageCount: 1, consumerCount: 0 });
      await expect(channel.checkQueue(levelName(exchange, 0))).rejects.toThrow('NOT_FOUND');
    });
  });

  it('is served by a process that comes later: what is due by then comes at once, what is not stays where it is', async () => {
    const { queue, brokers, broker, connect, collect, arrivedAt } = await Scene.begin({ wheel: SMALL_WHEEL });
    await broker.declare({ queues: [{ name: queue }] });
    const due = await publishAll(broker, queue, [900, 1_300, 2_500, 9_000]);
    await broker.close(5_000);
    brokers.shift();
    await pause(2_800);
    const other = await connect();
    const deliveries = await collect(queue);
    await deliveries.count(4, 30_000);
    expect(early(due, arrivedAt)).toEqual([]);
    expect(await other.delayedCount(true)).toBe(0);
    expect(deliveries.all.map(({ body }) => body.toString()).sort()).toEqual(['0', '1', '2', '3']);
  });

  it('notes a bucket once, whatever number of processes come and use it', async () => {
    const { exchange, queue, broker, connect } = await Scene.begin();
    await broker.declare({ queues: [{ name: queue }] });
    await publishAll(broker, queue, [30 * DAY_MS]);
    for (let count = 0; count < 3; count++) await publishAll(await connect(), queue, [30 * DAY_MS]);
    const notes = await withChannel(url, (channel) => channel.checkQueue(wheelName(exchange)));
    expect(notes.messageCount).toBe(1);
  });

  it('finds what is sent again, after a connection broke, into a bucket whose slot has closed meanwhile', async () => {
    const { exchange, queue, broker, connect, collect } = await Scene.begin();
    await broker.declare({ queues: [{ name: queue }] });
    const deliveries = await collect(queue);
    await publishAll(broker, queue, [4_000]);
    const [key] = await bucketsOf(exchange);
    const held = await withChannel(url, (channel) => channel.get(bucketName(exchange, key!), { noAck: true }));
    if (held === false) throw new Error('There is nothing in the bucket.');
    await pause(9_000);
    await connect();
    // After the first look of the new connection.
    await pause(2_000);
    await withChannel(url, async (channel) => {
      channel.publish(wheelName(exchange), key!, held.content, held.properties);
      await channel.waitForConfirms();
    });
    await deliveries.count(1, 30_000);
    expect(deliveries.all.map(({ body }) => body.toString())).toEqual(['0']);
  });

  it('makes a bucket again that somebody has deleted, and its notes too', async () => {
    const { exchange, queue, broker, connect, collect, arrivedAt } = await Scene.begin({ wheel: SMALL_WHEEL });
    await broker.declare({ queues: [{ name: queue }] });
    const deliveries = await collect(queue);
    await publishAll(broker, queue, Array.from({ length: 40 }, (_, index) => 400 + 40 * index));
    await deliveries.count(40, 30_000);
    const keys = await bucketsOf(exchange);
    await withChannel(url, async (channel) => {
      for (const key of keys) await channel.deleteQueue(bucketName(exchange, key));
      await channel.deleteQueue(wheelName(exchange));
    });
    arrivedAt.clear();
    const due = await publishAll(broker, queue, Array.from({ length: 40 }, (_, index) => 400 + 40 * index));
    await deliveries.count(80, 30_000);
    expect(early(due, arrivedAt)).toEqual([]);
    const other = await connect();
    await broker.publish(message('last'), { queue }, { delayMs: 6_000 });
    await eventually(() => other.delayedCount(), (count) => count === 1, 'another process to know of the bucket', { limitMs: 20_000 });
  });

  it('lets large bodies wait in buckets, and the last of their delay on a few levels of the ladder', async () => {
    const { exchange, queue, broker, collect, arrivedAt } = await Scene.begin({ wheel: SMALL_WHEEL });
    await broker.declare({ queues: [{ name: queue }] });
    const deliveries = await collect(queue);
    const body = 'x'.repeat(20_000);
    const due = Date.now() + 5_000;
    await broker.publish(message(body, { messageId: 'large' }), { queue }, { delayMs: 5_000 });
    await deliveries.count(1, 30_000);
    expect(arrivedAt.get(body)).toBeGreaterThanOrEqual(due);
    expect((await bucketsOf(exchange)).every((key) => key.startsWith('1.') || key.startsWith('2.'))).toBe(true);
    await withChannel(url, async (channel) => {
      await channel.checkQueue(levelName(exchange, 11));
      await expect(channel.checkQueue(levelName(exchange, 12))).rejects.toThrow('NOT_FOUND');
    });
  });
});

describe('the timing wheel between machines whose clocks differ', () => {
  it.each([['behind', -45_000], ['ahead', 45_000]])('keeps a delay as it is meant, where the clock of its sender is %s', async (_, byMs) => {
    const { queue, brokers, broker, connect, collect, arrivedAt } = await Scene.begin({ wheel: SMALL_WHEEL });
    await broker.declare({ queues: [{ name: queue }] });
    await broker.close(5_000);
    brokers.shift();
    const right = takeTimeFrom({ ...systemTime, now: () => Date.now() + byMs });
    const due = Date.now() + 4_000;
    try {
      const sender = await connect();
      const warned = emission(sender.events, (event) => event.type === 'broker.warning' && event.message.includes('The clock of this machine'), 'a word on its clock');
      await sender.publish(message('a'), { queue }, { delayMs: 4_000 });
      await warned;
      await sender.close(5_000);
    } finally {
      right();
      brokers.shift();
    }
    await connect();
    await (await collect(queue)).count(1, 20_000);
    expect(arrivedAt.get('a')).toBeGreaterThanOrEqual(due);
    // It is there to show that it is not later by what the clock was wrong.
    expect(arrivedAt.get('a')).toBeLessThan(due + 30_000);
  });
});
