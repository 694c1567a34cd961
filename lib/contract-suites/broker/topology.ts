import { TopologyMismatchError } from '../../errors.js';
import { acknowledge, bodyOf, collect, message, type BrokerSuite } from './bench.js';

export function topologyContract({ bench, describe, expect, it }: BrokerSuite): void {
  describe('topology', () => {
    it('declares the same queues again and again, together and one after the other', async () => {
      const { broker, queue } = await bench.withQueue();
      const topology = { queues: [{ name: queue, bindingKeys: [queue] }] };
      await Promise.all([broker.declare(topology), broker.declare(topology)]);
      await broker.declare(topology);
      await broker.publish(message('once'), { routingKey: queue });
      expect(await broker.depth(queue)).toBe(1);
    });

    it('adds a binding key to a queue that exists, and keeps the earlier ones', async () => {
      const { broker, queue } = await bench.withQueue();
      const second = bench.name('key');
      await broker.declare({ queues: [{ name: queue, bindingKeys: [second] }] });
      await broker.publish(message('old'), { routingKey: queue });
      await broker.publish(message('new'), { routingKey: second });
      const { deliveries } = await collect(broker, queue, 10, acknowledge);
      await deliveries.count(2);
      expect(deliveries.all.map((delivery) => delivery.routingKey)).toEqual([queue, second]);
    });

    it('refuses a queue that exists with another type, and works on afterwards', async () => {
      const { broker, queue } = await bench.withQueue();
      await expect(broker.declare({ queues: [{ name: queue, type: 'quorum' }] })).rejects.toThrow(TopologyMismatchError);
      await broker.declare({ queues: [{ name: queue }] });
      await broker.publish(message('still here'), { queue });
      const { deliveries } = await collect(broker, queue, 1, acknowledge);
      expect((await deliveries.count(1)).map(bodyOf)).toEqual(['still here']);
    });

    it('declares a queue for dead letters, reachable by its name only', async () => {
      const broker = await bench.connect();
      const queue = bench.name('dead');
      await broker.declare({ queues: [{ name: queue, purpose: 'dead-letters' }] });
      await broker.publish(message('dead'), { queue });
      expect(await broker.depth(queue)).toBe(1);
    });

    it('carries messages on a quorum queue as on a classic one', async () => {
      const { broker, queue } = await bench.withQueue({ type: 'quorum' });
      await broker.publish(message('replicated'), { routingKey: queue });
      const { deliveries } = await collect(broker, queue, 1, acknowledge);
      expect((await deliveries.count(1)).map(bodyOf)).toEqual(['replicated']);
    });

    it('takes names and keys in any script', async () => {
      const broker = await bench.connect();
      const queue = bench.name('очередь-größe-列');
      await broker.declare({ queues: [{ name: queue, bindingKeys: [queue] }] });
      await broker.publish(message('hello'), { routingKey: queue });
      const { deliveries } = await collect(broker, queue, 1, acknowledge);
      const [delivery] = await deliveries.count(1);
      expect([delivery?.queue, delivery?.routingKey]).toEqual([queue, queue]);
    });

    it('knows no depth of a queue that does not exist, and works on afterwards', async () => {
      const { broker, queue } = await bench.withQueue();
      expect(await broker.depth(bench.name('missing'))).toBeUndefined();
      expect(await broker.depth(queue)).toBe(0);
    });
  });
}
