import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/wait.js';
import { acknowledge, BrokerBench, collect, message, numbered, publishAll, type BrokerCapabilities, type BrokerFixture } from './broker-fixture.js';

const AN_HOUR_MS = 3_600_000;

export function countingContract(fixture: BrokerFixture, { showsFirst }: BrokerCapabilities): void {
  describe.sequential('counting', () => {
    const bench = new BrokerBench(fixture);

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
      // On a ladder an hour may stand where less than two are waited.
      expect(added.slice(1)).toSatisfy((counts: number[]) => counts[0] === 0 && counts[1]! + counts[2]! === 1 && counts[3] === 1);
    });

    it.runIf(showsFirst)('shows what the first message says of itself, which stays where it is', async () => {
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

    it.skipIf(showsFirst)('does not seem to show what it can only hand out', async () => {
      expect((await bench.connect()).first).toBeUndefined();
    });

    it('says of no queue how many it has when there is none', async () => {
      const broker = await bench.connect();
      expect(await broker.depth(bench.name('missing'))).toBeUndefined();
    });
  });
}
