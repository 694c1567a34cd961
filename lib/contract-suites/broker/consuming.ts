import type { Broker, BrokerEvent, Delivery } from '../../brokers/broker.js';
import { Arrivals, eventually } from './waiting.js';
import { acknowledge, bodyOf, collect, message, numbered, publishAll, type BrokerSuite } from './bench.js';

export function consumingContract({ bench, capabilities, describe, expect, it }: BrokerSuite): void {
  describe('consuming', () => {
    it('delivers to one consumer in the order of publishing', async () => {
      const { broker, queue } = await bench.withQueue();
      await publishAll(broker, queue, numbered(1_000));
      const { deliveries, bodies } = await collect(broker, queue, 50, acknowledge);
      await deliveries.count(1_000);
      expect(bodies()).toEqual(numbered(1_000));
    });

    it('leaves no more than the prefetch unsettled', async () => {
      const { broker, queue } = await bench.withQueue();
      await publishAll(broker, queue, numbered(10));
      const { deliveries } = await collect(broker, queue, 3);
      await deliveries.count(3);
      await depthBecomes(broker, queue, 7);
      deliveries.all[1]?.ack();
      await deliveries.count(4);
      await depthBecomes(broker, queue, 6);
      expect(deliveries.all.length).toBe(4);
    });

    it('takes more at once after setPrefetch up', async () => {
      const { broker, queue } = await bench.withQueue();
      await publishAll(broker, queue, numbered(10));
      const { deliveries, consumption } = await collect(broker, queue, 1);
      await deliveries.count(1);
      void consumption.setPrefetch(6);
      await deliveries.count(6);
      await depthBecomes(broker, queue, 4);
      expect(deliveries.all.length).toBe(6);
    });

    it('takes nothing with a prefetch of 0, and what there is once it is raised', async () => {
      const { broker, queue } = await bench.withQueue();
      await publishAll(broker, queue, numbered(4));
      const { deliveries, consumption } = await collect(broker, queue, 0);
      expect(await broker.depth(queue)).toBe(4);
      void consumption.setPrefetch(1);
      await deliveries.count(1);
      void consumption.setPrefetch(0);
      deliveries.all[0]?.ack();
      // One may have been on its way to it; all else goes to who has room.
      const other = await collect(broker, queue, 10);
      await eventually(() => deliveries.all.length + other.deliveries.all.length, (count) => count === 4, 'all messages to be with one of the two');
      expect(deliveries.all.length).toBeLessThanOrEqual(2);
      await other.consumption.close();
      void consumption.setPrefetch(3);
      await deliveries.count(4);
      await consumption.close();
      await depthBecomes(broker, queue, 3);
    });

    it('takes fewer after setPrefetch down, as deliveries are settled', async () => {
      const { broker, queue } = await bench.withQueue();
      await publishAll(broker, queue, numbered(40));
      let open = 0;
      const openAtArrival: number[] = [];
      const waiting: Delivery[] = [];
      const { deliveries, consumption } = await collect(broker, queue, 5, (delivery) => {
        openAtArrival.push(++open);
        waiting.push(delivery);
      });
      await deliveries.count(5);
      void consumption.setPrefetch(2);
      for (let settled = 0; settled < 40; settled++) {
        await deliveries.count(settled + 1);
        waiting[settled]?.ack();
        open--;
      }
      expect(openAtArrival[4]).toBe(5);
      expect(Math.max(...openAtArrival.slice(20))).toBeLessThanOrEqual(2);
    });

    it('shares a queue among consumers: each message goes to one of them', async () => {
      const { broker, queue } = await bench.withQueue();
      const other = capabilities.outlivesItsObject ? await bench.connect() : broker;
      const consumers = [await collect(broker, queue, 10), await collect(other, queue, 10)];
      await publishAll(broker, queue, numbered(20));
      await Promise.all(consumers.map(({ deliveries }) => deliveries.count(10)));
      const bodies = consumers.flatMap((consumer) => consumer.bodies());
      expect(bodies.sort()).toEqual(numbered(20).sort());
    });

    it('delivers what is published while it consumes, to the queue it names', async () => {
      const { broker, queue } = await bench.withQueue();
      const { deliveries } = await collect(broker, queue, 10, acknowledge);
      await broker.publish(message('by key'), { routingKey: queue });
      await broker.publish(message('by name'), { queue });
      await deliveries.count(2);
      expect(deliveries.all.map((delivery) => [bodyOf(delivery), delivery.queue])).toEqual([['by key', queue], ['by name', queue]]);
    });

    it('survives an onDelivery that throws: reports it, gives the delivery back, goes on', async () => {
      const { broker, queue } = await bench.withQueue();
      const events = new Arrivals<BrokerEvent>();
      broker.events.subscribe(events.add);
      let thrown = false;
      const { deliveries } = await collect(broker, queue, 10, (delivery) => {
        if (bodyOf(delivery) === 'bad' && !thrown) {
          thrown = true;
          throw new Error('a defect of the caller');
        }
        delivery.ack();
      });
      await publishAll(broker, queue, ['good', 'bad', 'fine']);
      await deliveries.count(3);
      await events.first((event) => event.type === 'broker.callback-failed' && event.queue === queue, 'broker.callback-failed');
      expect(deliveries.all.find((delivery) => bodyOf(delivery) === 'bad')?.redelivered).toBe(true);
    });

    it('delivers nothing after stop, and lets what arrived be settled', async () => {
      const { broker, queue } = await bench.withQueue();
      await publishAll(broker, queue, numbered(5));
      const first = await collect(broker, queue, 2);
      await first.deliveries.count(2);
      await Promise.all([first.consumption.stop(), first.consumption.stop()]);
      const arrived = [...first.deliveries.all];
      for (const delivery of arrived) expect(delivery.ack()).toBe(true);
      const second = await collect(broker, queue, 10, acknowledge);
      await second.deliveries.count(5 - arrived.length);
      expect(first.deliveries.all.length).toBe(arrived.length);
      expect([...first.bodies(), ...second.bodies()].sort()).toEqual(numbered(5));
    });
  });
}

/** The server counts on its own time: asked until it agrees. */
async function depthBecomes(broker: Broker, queue: string, depth: number): Promise<void> {
  await eventually(() => broker.depth(queue), (found) => found === depth, `depth ${depth} of ${queue}`);
}
