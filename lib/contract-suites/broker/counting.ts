import { eventually } from './waiting.js';
import { acknowledge, collect, message, numbered, publishAll, type BrokerSuite } from './bench.js';

const AN_HOUR_MS = 3_600_000;

export function countingContract({ bench, capabilities, describe, expect, it }: BrokerSuite): void {
  describe('counting', () => {
    it('tells waiting from delayed ones, and purges only what waits', async () => {
      const { broker, queue } = await bench.withQueue();
      const before = await broker.delayedCount();
      await publishAll(broker, queue, numbered(3));
      await broker.publish(message('later'), { queue }, { delayMs: AN_HOUR_MS });
      await broker.publish(message('soon'), { queue }, { delayMs: 300 });
      await eventually(() => broker.depth(queue), (depth) => depth === 4, 'the soon one to be due');
      await eventually(() => broker.delayedCount(), (count) => count === before + 1, 'one delayed message to be left');
      expect(await broker.purge(queue)).toBe(4);
      expect(await broker.depth(queue)).toBe(0);
      expect(await broker.delayedCount()).toBe(before + 1);
    });

    it('tells by what time at the latest delayed ones are due', async () => {
      const { broker, queue } = await bench.withQueue();
      const bounds = [30_000, 10 * 60_000, AN_HOUR_MS, 3 * AN_HOUR_MS];
      const before = await broker.delayedWithin(bounds);
      expect(before).toHaveLength(5);
      for (const delayMs of [20_000, 22_000, AN_HOUR_MS, 100 * AN_HOUR_MS]) await broker.publish(message('later'), { queue }, { delayMs });
      const added = await eventually(async () => (await broker.delayedWithin(bounds)).map((count, index) => count - before[index]!), (counts) => counts.reduce((sum, count) => sum + count, 0) === 4, 'four more delayed ones');
      expect(added[0]).toBe(2);
      // Of what is due within an hour and a bit, a broker may know only in which slot of time it is.
      expect([added[1], added[2]! + added[3]!, added[4]]).toEqual([0, 1, 1]);
    });

    if (capabilities.showsFirst) it('shows what the first message says of itself, which stays where it is', async () => {
      const { broker, queue } = await bench.withQueue();
      expect(await broker.first?.(queue)).toBeUndefined();
      expect(await broker.first?.(bench.name('missing'))).toBeUndefined();
      for (const id of ['a', 'b']) await broker.publish(message('{}', { messageId: id, timestamp: 1_700_000_000, headers: { key: id } }), { queue });
      await broker.publish(message('{}', { messageId: 'later' }), { queue }, { delayMs: AN_HOUR_MS });
      for (let look = 0; look < 3; look++) expect(await broker.first?.(queue)).toMatchObject({ messageId: 'a', timestamp: 1_700_000_000, headers: { key: 'a' } });
      expect(await broker.depth(queue)).toBe(2);
      const { deliveries, consumption } = await collect(broker, queue, 1);
      const [first] = await deliveries.count(1);
      expect(first?.properties.messageId).toBe('a');
      expect((await broker.first?.(queue))?.messageId).toBe('b');
      // What comes back stands first again.
      await consumption.close();
      await eventually(async () => (await broker.first?.(queue))?.messageId, (id) => id === 'a', 'the first one to be back');
      await collect(broker, queue, 5, acknowledge);
      await eventually(() => broker.first?.(queue), (found) => found === undefined, 'none to wait');
    });

    else it('does not seem to show what it can only hand out', async () => {
      expect((await bench.connect()).first === undefined).toBe(true);
    });

    it('says of no queue how many it has when there is none', async () => {
      const broker = await bench.connect();
      expect(await broker.depth(bench.name('missing'))).toBeUndefined();
    });
  });
}
