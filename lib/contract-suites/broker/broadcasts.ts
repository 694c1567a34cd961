import { randomBytes } from 'node:crypto';
import type { BrokerEvent } from '../../brokers/broker.js';
import { Arrivals, eventually, pause } from './waiting.js';
import { acknowledge, collect, message, numbered, publishAll, type BrokerSuite } from './bench.js';

const LARGEST = 1024 * 1024;

export function broadcastContract({ bench, capabilities, describe, expect, fixture, it }: BrokerSuite): void {
  describe('broadcasts', () => {
    const text = (arrivals: Arrivals<Buffer>): string[] => arrivals.all.map(String);

    it('reach everybody who watches the topic, the sender too, in order, until they stop', async () => {
      const broker = await bench.connect();
      const other = capabilities.outlivesItsObject ? await bench.connect() : broker;
      const [topic, otherTopic] = [bench.name('topic'), bench.name('topic')];
      const [here, there, elsewhere, gone] = [new Arrivals<Buffer>(), new Arrivals<Buffer>(), new Arrivals<Buffer>(), new Arrivals<Buffer>()];
      await broker.watchBroadcasts(topic, here.add);
      await other.watchBroadcasts(topic, there.add);
      await other.watchBroadcasts(otherTopic, elsewhere.add);
      const stopped = await broker.watchBroadcasts(topic, gone.add);
      await stopped.stop();
      await stopped.stop();
      for (const body of numbered(5)) await broker.broadcast(topic, Buffer.from(body));
      await broker.broadcast(otherTopic, Buffer.from('other'));
      await Promise.all([here.count(5), there.count(5), elsewhere.count(1)]);
      expect([text(here), text(there), text(elsewhere), text(gone)]).toEqual([numbered(5), numbered(5), ['other'], []]);
    });

    it('are kept for nobody', async () => {
      const broker = await bench.connect();
      const topic = bench.name('topic');
      await broker.broadcast(topic, Buffer.from('before'));
      const late = new Arrivals<Buffer>();
      await broker.watchBroadcasts(topic, late.add);
      await broker.broadcast(topic, Buffer.from('after'));
      await late.count(1);
      await pause(300);
      expect(text(late)).toEqual(['after']);
    });

    it('carry 1 MiB, and no more', async () => {
      const broker = await bench.connect();
      const topic = bench.name('topic');
      const arrivals = new Arrivals<Buffer>();
      await broker.watchBroadcasts(topic, arrivals.add);
      const largest = randomBytes(LARGEST);
      await expect(broker.broadcast(topic, Buffer.alloc(LARGEST + 1))).rejects.toMatchObject({ code: 'ERR_DISPATCHER_BROADCAST_TOO_LARGE' });
      await broker.broadcast(topic, largest);
      await broker.broadcast(topic, Buffer.alloc(0));
      await arrivals.count(2);
      expect(arrivals.all[0]?.equals(largest)).toBe(true);
      expect(arrivals.all[1]).toHaveLength(0);
    });

    const { replies } = fixture;
    if (replies !== 'none') it('come again after the connection was lost', async () => {
      const losing = await replies.connectLosing(5_000);
      const topic = bench.name('topic');
      const arrivals = new Arrivals<Buffer>();
      try {
        await losing.broker.watchBroadcasts(topic, arrivals.add);
        await losing.lose();
        await expect(losing.broker.broadcast(topic, Buffer.from('meanwhile'))).rejects.toMatchObject({ code: 'ERR_DISPATCHER_BROKER_UNAVAILABLE' });
        losing.giveBack();
        // Those of the time before it listens again are missed.
        await eventually(() => losing.broker.broadcast(topic, Buffer.from('again')).then(() => arrivals.all.length), (count) => count > 0, 'a broadcast after the reconnect');
        expect(text(arrivals)).not.toContain('meanwhile');
      } finally {
        await losing.close();
      }
    });

    it('survive a listener that throws, and say so', async () => {
      const broker = await bench.connect();
      const topic = bench.name('topic');
      const [warnings, arrivals, others] = [new Arrivals<BrokerEvent>(), new Arrivals<Buffer>(), new Arrivals<Buffer>()];
      broker.events.subscribe(warnings.add);
      await broker.watchBroadcasts(topic, (body) => { arrivals.add(body); throw new Error('hostile listener'); });
      await broker.watchBroadcasts(topic, others.add);
      await broker.broadcast(topic, Buffer.from('one'));
      await broker.broadcast(topic, Buffer.from('two'));
      await Promise.all([arrivals.count(2), others.count(2)]);
      await warnings.first((event) => event.type === 'broker.warning' && event.message.includes('hostile listener'), 'the warning');
    });

    it('disturb no consumer when they come in a flood, and are dropped rather than piled up', async () => {
      const { broker, queue } = await bench.withQueue();
      const flooder = capabilities.outlivesItsObject ? await bench.connect() : broker;
      const topic = bench.name('topic');
      const arrivals = new Arrivals<Buffer>();
      await broker.watchBroadcasts(topic, arrivals.add);
      const consumer = await collect(broker, queue, 10, acknowledge);
      const large = randomBytes(64 * 1024);
      const outcomes = Promise.allSettled(Array.from({ length: 2_000 }, () => flooder.broadcast(topic, large)));
      await publishAll(broker, queue, numbered(200));
      await consumer.deliveries.count(200);
      await broker.publish(message('last'), { queue });
      await consumer.deliveries.count(201);
      for (const outcome of await outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ retryable: true });
      // It goes on afterwards.
      await flooder.broadcast(topic, Buffer.from('afterwards'));
      await arrivals.first((body) => body.length === 10, 'what was broadcast after the flood');
    });
  });
}
