import type { Delivery } from '../../brokers/broker.js';
import { clock } from '../../time/clock.js';
import { acknowledge, bodyOf, CLOSE_LIMIT_MS, collect, message, type BrokerSuite } from './bench.js';

const AN_HOUR_MS = 3_600_000;

export function delayContract({ bench, capabilities, describe, expect, it }: BrokerSuite): void {
  describe('delays', () => {
    it('delivers each when it is due, never early', async () => {
      const { broker, queue } = await bench.withQueue();
      const arrivedAt = new Map<string, number>();
      const { deliveries, bodies } = await collect(broker, queue, 10, (delivery) => {
        arrivedAt.set(bodyOf(delivery), clock.now());
        delivery.ack();
      });
      const start = clock.now();
      const delays = [1_600, 400, 1_200, 0, 800];
      await Promise.all(delays.map((delayMs) => broker.publish(message(String(delayMs)), { queue }, { delayMs })));
      await deliveries.count(delays.length);
      // No order: on RabbitMQ each walks a way of its own, and one may be held up.
      expect(bodies().sort()).toEqual(delays.map(String).sort());
      for (const delayMs of delays) expect((arrivedAt.get(String(delayMs)) as number) - start).toBeGreaterThanOrEqual(delayMs);
    });

    it('holds up nothing behind a long delay, and does not count what is delayed', async () => {
      const { broker, queue } = await bench.withQueue();
      await broker.publish(message('in an hour'), { queue }, { delayMs: AN_HOUR_MS });
      await broker.publish(message('soon'), { queue }, { delayMs: 50 });
      await broker.publish(message('now'), { queue });
      const { deliveries, bodies } = await collect(broker, queue, 10, acknowledge);
      await deliveries.count(2);
      expect(bodies().sort()).toEqual(['now', 'soon']);
      expect(await broker.depth(queue)).toBe(0);
    });

    for (const delayMs of [1, 2, 3, 7, 10, 63, 64, 65, 100, 255, 257]) it(`takes a delay of ${delayMs} ms`, async () => {
      const { broker, queue } = await bench.withQueue();
      const { deliveries } = await collect(broker, queue, 1, acknowledge);
      const start = clock.now();
      await broker.publish(message('x'), { queue }, { delayMs });
      await deliveries.count(1);
      expect(clock.now() - start).toBeGreaterThanOrEqual(delayMs);
    });

    it('reaches the one queue it was sent to, with body and properties as they were', async () => {
      const { broker, queue } = await bench.withQueue();
      const other = bench.name('other');
      await broker.declare({ queues: [{ name: other, bindingKeys: [queue] }] });
      const properties = { contentType: 'application/json', messageId: 'id', headers: { kept: 'ü', table: { a: [1] } }, priority: 2, type: 'kind' };
      await broker.publish(message('{"a":1}', properties), { queue }, { delayMs: 100 });
      const { deliveries } = await collect(broker, queue, 1, acknowledge);
      const [delivery] = await deliveries.count(1) as [Delivery];
      expect(bodyOf(delivery)).toBe('{"a":1}');
      expect(delivery.properties).toMatchObject(properties);
      expect([delivery.queue, delivery.redelivered]).toEqual([queue, false]);
      expect(await broker.depth(other)).toBe(0);
    });

    it('delays again what was delayed before, as a retry does, headers and all', async () => {
      const { broker, queue } = await bench.withQueue();
      const sent: Promise<void>[] = [];
      const { deliveries } = await collect(broker, queue, 1, (delivery) => {
        const attempt = Number(bodyOf(delivery));
        if (attempt < 4) {
          sent.push(broker.publish(message(String(attempt + 1), delivery.properties), { queue }, { delayMs: 64 }).then(() => { delivery.ack(); }));
        } else delivery.ack();
      });
      await broker.publish(message('1', { headers: { mine: 'yes' } }), { queue }, { delayMs: 64 });
      await deliveries.count(4);
      await Promise.all(sent);
      expect(deliveries.all.map(bodyOf)).toEqual(['1', '2', '3', '4']);
      expect(deliveries.all.at(-1)?.properties.headers).toMatchObject({ mine: 'yes' });
    });

    it('delivers 1,000 that fall due together, each once', async () => {
      const { broker, queue } = await bench.withQueue();
      const { deliveries, bodies } = await collect(broker, queue, 100, acknowledge);
      await Promise.all(Array.from({ length: 1_000 }, (_, index) => broker.publish(message(String(index)), { queue }, { delayMs: 300 })));
      await deliveries.count(1_000);
      expect(new Set(bodies()).size).toBe(1_000);
    });

    if (capabilities.outlivesItsObject) it('keeps what is delayed while no broker object is there', async () => {
      const { broker, queue } = await bench.withQueue();
      const start = clock.now();
      await broker.publish(message('kept'), { queue }, { delayMs: 1_000 });
      await broker.close(CLOSE_LIMIT_MS);
      const other = await bench.connect();
      const { deliveries } = await collect(other, queue, 1, acknowledge);
      expect((await deliveries.count(1)).map(bodyOf)).toEqual(['kept']);
      expect(clock.now() - start).toBeGreaterThanOrEqual(1_000);
    });
  });
}
