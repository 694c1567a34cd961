import type { Broker, BrokerEvent, BrowsedMessage, Delivery } from '../../brokers/broker.js';
import { InvalidTaskError } from '../../errors.js';
import { undeliveredQueueOf } from '../../task/undelivered.js';
import { clock } from '../../time/clock.js';
import { Arrivals, eventually } from './waiting.js';
import { acknowledge, bodyOf, CLOSE_LIMIT_MS, collect, message, type BrokerSuite } from './bench.js';

/** Delayed messages to a routing key: what it reaches is decided when they are due. */
export function delayedRoutingContract({ bench, capabilities, describe, expect, fixture, it }: BrokerSuite): void {
  const undelivered = undeliveredQueueOf(fixture.exchange);

  /** The message of this id that was kept because nothing took it. */
  async function keptUndelivered(broker: Broker, id: string): Promise<Delivery> {
    await eventually(() => broker.depth(undelivered), (depth) => depth !== undefined && depth > 0, `a message in ${undelivered}`);
    const { deliveries, consumption } = await collect(broker, undelivered, 10, acknowledge);
    const kept = await deliveries.first(({ properties }) => properties.messageId === id, `the undelivered message ${id}`);
    await consumption.close();
    return kept;
  }

  describe('delays to a routing key', () => {
    it('arrive never early, as if published only then: exchange, key, body and properties', async () => {
      const { broker, queue } = await bench.withQueue();
      const properties = { contentType: 'application/json', messageId: 'id', correlationId: 'c', headers: { kept: 'ü', table: { a: [1] } }, priority: 2, type: 'kind' };
      const { deliveries } = await collect(broker, queue, 1, acknowledge);
      const start = clock.now();
      await broker.publish(message('{"a":1}', properties), { routingKey: queue }, { delayMs: 700 });
      const [delivery] = await deliveries.count(1) as [Delivery];
      expect(clock.now() - start).toBeGreaterThanOrEqual(700);
      expect(bodyOf(delivery)).toBe('{"a":1}');
      expect(Object.fromEntries(Object.entries(delivery.properties).filter(([, value]) => value !== undefined))).toEqual(properties);
      expect([delivery.queue, delivery.exchange, delivery.routingKey, delivery.redelivered]).toEqual([queue, fixture.exchange, queue, false]);
    });

    it('reach every queue that is bound when they are due, each once, and no other', async () => {
      const { broker, queue } = await bench.withQueue();
      const [second, other, key] = [bench.name('second'), bench.name('other'), bench.name('key')];
      await broker.declare({ queues: [{ name: queue, bindingKeys: [key] }, { name: other, bindingKeys: [other] }] });
      // Large, so that copies are not what shares one body.
      const body = Buffer.alloc(100_000, 'x');
      await broker.publish(message(body), { routingKey: key }, { delayMs: 5_000 });
      await broker.declare({ queues: [{ name: second, bindingKeys: [key] }] });
      for (const name of [queue, second]) {
        const { deliveries } = await collect(broker, name, 10, acknowledge);
        const [delivery] = await deliveries.count(1) as [Delivery];
        expect(Buffer.compare(delivery.body, body)).toBe(0);
        expect(await broker.depth(name)).toBe(0);
      }
      expect(await broker.depth(other)).toBe(0);
    });

    it('are taken although nothing is bound yet', async () => {
      const broker = await bench.connect();
      const queue = bench.name();
      await broker.publish(message('early'), { routingKey: queue }, { delayMs: 5_000 });
      await broker.declare({ queues: [{ name: queue, bindingKeys: [queue] }] });
      const { deliveries } = await collect(broker, queue, 10, acknowledge);
      expect((await deliveries.count(1)).map(bodyOf)).toEqual(['early']);
    });

    for (const [size, body] of [['small', Buffer.from('kept')], ['large', Buffer.alloc(100_000, 'x')]] as const) it(`are kept with the reason when nothing is bound at the time (${size}), and hold up no other`, async () => {
      const { broker, queue } = await bench.withQueue();
      const events = new Arrivals<BrokerEvent>();
      broker.events.subscribe(events.add);
      const key = bench.name('nowhere');
      await Promise.all([
        ...Array.from({ length: 50 }, (_, index) => broker.publish(message(body, { messageId: `${key}-${index}`, headers: { mine: 1 } }), { routingKey: key }, { delayMs: 100 })),
        broker.publish(message('goes'), { routingKey: queue }, { delayMs: 200 }),
      ]);
      const { deliveries } = await collect(broker, queue, 10, acknowledge);
      expect((await deliveries.count(1)).map(bodyOf)).toEqual(['goes']);
      const kept = await keptUndelivered(broker, `${key}-49`);
      expect(Buffer.compare(kept.body, body)).toBe(0);
      expect(kept.properties.headers).toMatchObject({
        mine: 1, 'x-dispatcher-dead-reason': 'undelivered', 'x-dispatcher-origin-exchange': fixture.exchange, 'x-dispatcher-origin-routing-key': key,
      });
      expect(kept.properties.headers?.['x-dispatcher-dead-error']).toContain(key);
      await events.first((event) => event.type === 'broker.warning' && event.message.includes(`${key}-49`), 'a warning');
    });

    it('are told of before they are kept, again until that has worked', async () => {
      const broker = bench.make();
      const key = bench.name('told');
      const told = new Arrivals<{ message: BrowsedMessage; problem: string; kept: number | undefined }>();
      broker.beforeUndelivered(async ({ body, properties, exchange, routingKey }, problem) => {
        if (properties.messageId !== key) return;
        told.add({ message: { body: Buffer.from(body), properties, exchange, routingKey }, problem, kept: await broker.depth(undelivered) });
        if (told.all.length === 1) throw new Error('nobody can be told now');
      });
      await broker.connect();
      const before = await broker.depth(undelivered);
      const body = Buffer.alloc(100_000, 'x');
      await broker.publish(message(body, { messageId: key, headers: { mine: 1 } }), { routingKey: key }, { delayMs: 50 });
      await told.count(2, 30_000);
      expect(told.all.map(({ kept }) => kept)).toEqual([before, before]);
      const again = told.all[1]!;
      expect(again.message).toMatchObject({ exchange: fixture.exchange, routingKey: key });
      expect(again.problem).toContain(key);
      expect(Buffer.compare(again.message.body, body)).toBe(0);
      expect(again.message.properties.headers).toEqual({ mine: 1 });
      const kept = await keptUndelivered(broker, key);
      expect(Buffer.compare(kept.body, body)).toBe(0);
      expect(told.all.length).toBe(2);
    }, 60_000);

    it('are delivered after all where a queue takes them by the time that somebody could be told', async () => {
      const broker = bench.make();
      const queue = bench.name('late');
      const told = new Arrivals<void>();
      broker.beforeUndelivered(({ routingKey }) => {
        if (routingKey !== queue) return undefined;
        told.add();
        return Promise.reject(new Error('nobody can be told now'));
      });
      await broker.connect();
      await broker.publish(message('after all'), { routingKey: queue }, { delayMs: 50 });
      await told.count(1, 30_000);
      await broker.declare({ queues: [{ name: queue, bindingKeys: [queue] }] });
      const { deliveries } = await collect(broker, queue, 10, acknowledge);
      expect((await deliveries.count(1, 30_000)).map(bodyOf)).toEqual(['after all']);
    }, 60_000);

    if (capabilities.outlivesItsObject) it('are told of by another when the first one goes in between', async () => {
      const key = bench.name('gone');
      const first = bench.make();
      const begun = new Arrivals<void>();
      first.beforeUndelivered(({ routingKey }) => {
        if (routingKey !== key) return undefined;
        begun.add();
        return new Promise(() => undefined);
      });
      await first.connect();
      await first.publish(message('kept', { messageId: key }), { routingKey: key }, { delayMs: 50 });
      await begun.count(1, 30_000);
      await first.close(CLOSE_LIMIT_MS);
      const other = bench.make();
      const told = new Arrivals<string>();
      other.beforeUndelivered(({ routingKey }) => {
        told.add(routingKey);
        return Promise.resolve();
      });
      await other.connect();
      await told.first((routingKey) => routingKey === key, 'the other to tell', 30_000);
      await keptUndelivered(other, key);
    }, 60_000);

    it('deliver 2,000 that fall due together, each once', async () => {
      const { broker, queue } = await bench.withQueue();
      const { deliveries, bodies } = await collect(broker, queue, 100, acknowledge);
      await Promise.all(Array.from({ length: 2_000 }, (_, index) => broker.publish(message(String(index)), { routingKey: queue }, { delayMs: 500 })));
      await deliveries.count(2_000);
      expect(new Set(bodies()).size).toBe(2_000);
    });

    it('can be delayed again, by queue and by key, headers and all', async () => {
      const { broker, queue } = await bench.withQueue();
      const sent: Promise<void>[] = [];
      const { deliveries } = await collect(broker, queue, 1, (delivery) => {
        const attempt = Number(bodyOf(delivery));
        if (attempt === 5) {
          delivery.ack();
          return;
        }
        const address = attempt % 2 === 0 ? { queue } : { routingKey: queue };
        sent.push(broker.publish(message(String(attempt + 1), delivery.properties), address, { delayMs: 64 }).then(() => { delivery.ack(); }));
      });
      await broker.publish(message('1', { headers: { mine: 'yes' } }), { routingKey: queue }, { delayMs: 64 });
      await deliveries.count(5);
      await Promise.all(sent);
      expect(deliveries.all.map(bodyOf)).toEqual(['1', '2', '3', '4', '5']);
      expect(deliveries.all.at(-1)?.properties.headers).toMatchObject({ mine: 'yes' });
    });

    for (const delayMs of [Number.NaN, 7 * 366 * 86_400_000, Infinity]) it(`are refused for ${delayMs} ms`, async () => {
      const { broker, queue } = await bench.withQueue();
      await expect(broker.publish(message(), { routingKey: queue }, { delayMs })).rejects.toThrow(InvalidTaskError);
      await expect(broker.publish(message(), { queue }, { delayMs })).rejects.toThrow(InvalidTaskError);
    });

    if (capabilities.outlivesItsObject) it('are routed by whichever broker object is there when they are due', async () => {
      const { broker, queue } = await bench.withQueue();
      const start = clock.now();
      await broker.publish(message('kept'), { routingKey: queue }, { delayMs: 800 });
      await broker.close(CLOSE_LIMIT_MS);
      // It publishes nothing, and consumes something else.
      const other = await bench.connect();
      await eventually(() => other.depth(queue), (depth) => depth === 1, 'the message to be in its queue');
      expect(clock.now() - start).toBeGreaterThanOrEqual(800);
    });
  });
}
