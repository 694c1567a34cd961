import { ShutdownError } from '../../errors.js';
import { within } from './waiting.js';
import { bodyOf, CLOSE_LIMIT_MS, collect, message, numbered, publishAll, acknowledge, type BrokerSuite } from './bench.js';

/** What a broker may take beyond its deadline until its promise settles: scheduling, not work. */
const MARGIN_MS = 5_000;

export function closingContract({ bench, capabilities, describe, expect, it }: BrokerSuite): void {
  describe('closing', () => {
    it('takes nothing more', async () => {
      const { broker, queue } = await bench.withQueue();
      await broker.close(CLOSE_LIMIT_MS);
      await expect(broker.publish(message(), { queue })).rejects.toThrow(ShutdownError);
      await expect(broker.publish(message(), { queue }, { delayMs: 1_000 })).rejects.toThrow(ShutdownError);
    });

    it('can be closed twice, at once and later, and before it was ever connected', async () => {
      const { broker } = await bench.withQueue();
      await within(Promise.all([broker.close(CLOSE_LIMIT_MS), broker.close(CLOSE_LIMIT_MS)]), CLOSE_LIMIT_MS + MARGIN_MS, 'both to settle');
      await within(broker.close(CLOSE_LIMIT_MS), MARGIN_MS, 'the third to settle');
      const idle = bench.make();
      await within(idle.close(CLOSE_LIMIT_MS), MARGIN_MS, 'the idle one to settle');
      expect([broker.state.status, idle.state.status]).toEqual(['closed', 'closed']);
    });

    it('settles within its deadline with deliveries unsettled and delays far away', async () => {
      const { broker, queue } = await bench.withQueue();
      await publishAll(broker, queue, numbered(10));
      await broker.publish(message('far'), { queue }, { delayMs: 3_600_000 });
      const { deliveries } = await collect(broker, queue, 5);
      await deliveries.count(5);
      await within(broker.close(1_000), 1_000 + MARGIN_MS, 'close to settle');
      expect(broker.state.status).toBe('closed');
    });

    it('delivers nothing after it has closed', async () => {
      const { broker, queue } = await bench.withQueue();
      await publishAll(broker, queue, numbered(100));
      const { deliveries } = await collect(broker, queue, 1, acknowledge);
      await deliveries.count(3);
      await broker.close(CLOSE_LIMIT_MS);
      const arrived = deliveries.all.length;
      await new Promise((resolve) => { setImmediate(resolve); });
      expect(deliveries.all.length).toBe(arrived);
    });

    it('gives every publish that was under way an outcome', async () => {
      const { broker, queue } = await bench.withQueue();
      const publishes = numbered(500).map((body) => broker.publish(message(body), { queue }));
      const outcomes = Promise.allSettled(publishes);
      await broker.close(CLOSE_LIMIT_MS);
      const settled = await within(outcomes, MARGIN_MS, 'every publish to settle');
      expect(settled.filter(({ status }) => status === 'rejected')).toEqual([]);
      if (!capabilities.outlivesItsObject) return;
      const other = await bench.connect();
      expect(await other.depth(queue)).toBe(500);
    });

    if (capabilities.outlivesItsObject) it('settles what was acknowledged a moment before', async () => {
      const { broker, queue } = await bench.withQueue();
      await publishAll(broker, queue, numbered(100));
      const { deliveries } = await collect(broker, queue, 100);
      await deliveries.count(100);
      for (const delivery of deliveries.all.slice(0, 99)) delivery.ack();
      await broker.close(CLOSE_LIMIT_MS);
      const other = await bench.connect();
      const rest = await collect(other, queue, 100, acknowledge);
      expect((await rest.deliveries.count(1)).map(bodyOf)).toEqual(['m-99']);
      expect(await other.depth(queue)).toBe(0);
    });
  });
}
