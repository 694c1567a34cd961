import type { Broker, Delivery } from '../../brokers/broker.js';
import { eventually } from './waiting.js';
import { acknowledge, bodyOf, CLOSE_LIMIT_MS, collect, numbered, publishAll, type BrokerSuite } from './bench.js';

export function settlingContract({ bench, capabilities, describe, expect, it }: BrokerSuite): void {
  describe('settling', () => {
    it('removes what was acknowledged, in whatever order, and gives back the rest when closed', async () => {
      const { broker, queue } = await bench.withQueue();
      await publishAll(broker, queue, numbered(10));
      const { deliveries, consumption } = await collect(broker, queue, 10);
      await deliveries.count(10);
      for (const index of [7, 1, 9, 3, 5]) expect(deliveries.all[index]?.ack()).toBe(true);
      await consumption.close();
      expect(await drained(broker, queue, 5)).toEqual(['m-0', 'm-2', 'm-4', 'm-6', 'm-8']);
    });

    it('delivers again what was requeued, marked as redelivered', async () => {
      const { broker, queue } = await bench.withQueue();
      await publishAll(broker, queue, ['a']);
      const { deliveries } = await collect(broker, queue, 1, (delivery) => {
        if (delivery.redelivered) delivery.ack();
        else expect(delivery.requeue()).toBe(true);
      });
      await deliveries.count(2);
      expect(deliveries.all.map((delivery) => [bodyOf(delivery), delivery.redelivered])).toEqual([['a', false], ['a', true]]);
    });

    it('ignores every settlement of a delivery after the first', async () => {
      const { broker, queue } = await bench.withQueue();
      await publishAll(broker, queue, ['a', 'b', 'c']);
      const { deliveries, consumption } = await collect(broker, queue, 3);
      const [a, b] = await deliveries.count(3) as [Delivery, Delivery];
      a.ack();
      a.ack();
      a.requeue();
      b.requeue();
      b.ack();
      const again = (await deliveries.count(4)).at(-1) as Delivery;
      expect(bodyOf(again)).toBe('b');
      expect(again.ack()).toBe(true);
      await consumption.close();
      expect(await drained(broker, queue, 1)).toEqual(['c']);
    });

    it('gives back what is unsettled when the consumption is closed, and then says too late', async () => {
      const { broker, queue } = await bench.withQueue();
      await publishAll(broker, queue, ['a', 'b']);
      const { deliveries, consumption } = await collect(broker, queue, 2);
      const [a, b] = await deliveries.count(2) as [Delivery, Delivery];
      await Promise.all([consumption.close(), consumption.close()]);
      expect(a.ack()).toBe(false);
      expect(b.requeue()).toBe(false);
      const again = await collect(broker, queue, 2, acknowledge);
      await again.deliveries.count(2);
      expect(again.deliveries.all.map((delivery) => [bodyOf(delivery), delivery.redelivered])).toEqual([['a', true], ['b', true]]);
    });

    it('says too late after the broker was closed', async () => {
      const { broker, queue } = await bench.withQueue();
      await publishAll(broker, queue, ['a']);
      const { deliveries } = await collect(broker, queue, 1);
      const [a] = await deliveries.count(1) as [Delivery];
      await broker.close(CLOSE_LIMIT_MS);
      expect(a.ack()).toBe(false);
      expect(a.requeue()).toBe(false);
    });

    if (capabilities.countsDeaths) it('counts nothing where a delivery is given back in order', async () => {
      const { broker, queue } = await bench.withQueue();
      await publishAll(broker, queue, ['a']);
      const { deliveries } = await collect(broker, queue, 1, (delivery) => {
        if (deliveries.all.length < 3) delivery.requeue();
      });
      await deliveries.count(4);
      await broker.close(CLOSE_LIMIT_MS);
      expect(deliveries.all.map(({ redelivered, deliveryCount }) => [redelivered, deliveryCount])).toEqual([[false, 0], [true, 0], [true, 0], [true, 0]]);
    });

    it('does not get back at once what it gives back once setPrefetch has resolved', async () => {
      const { broker, queue } = await bench.withQueue();
      await publishAll(broker, queue, ['a', 'b', 'c']);
      const { deliveries, consumption } = await collect(broker, queue, 3);
      await deliveries.count(3);
      await consumption.setPrefetch(1);
      for (const delivery of [...deliveries.all].reverse()) delivery.requeue();
      await deliveries.count(4);
      await eventually(() => broker.depth(queue), (depth) => depth === 2, 'the other two to wait');
      expect(deliveries.all.length).toBe(4);
    });

    if (capabilities.outlivesItsObject) it('gives another what a closed broker had not settled', async () => {
      const { broker, queue } = await bench.withQueue();
      await publishAll(broker, queue, ['a', 'b']);
      const { deliveries } = await collect(broker, queue, 2);
      const [a] = await deliveries.count(2) as [Delivery];
      a.ack();
      await broker.close(CLOSE_LIMIT_MS);
      const other = await bench.connect();
      expect(await drained(other, queue, 1)).toEqual(['b']);
    });
  });
}

/** Acknowledges so many, then makes sure that the queue has no more. */
async function drained(broker: Broker, queue: string, count: number): Promise<string[]> {
  const { deliveries, consumption, bodies } = await collect(broker, queue, 100, acknowledge);
  await deliveries.count(count);
  await consumption.close();
  await eventually(() => broker.depth(queue), (depth) => depth === 0, `${queue} to be empty`);
  return bodies();
}
