import { BrokerError, ShutdownError } from '../../errors.js';
import type { Broker, BrowseAnswer, BrowsedMessage } from '../../brokers/broker.js';
import { Arrivals, eventually, Signal } from './waiting.js';
import { acknowledge, CLOSE_LIMIT_MS, collect, message, numbered, publishAll, type BrokerSuite } from './bench.js';

export function browsingContract({ bench, capabilities, describe, expect, it }: BrokerSuite): void {
  for (const type of ['classic', 'quorum'] as const) describe(`browsing a ${type} queue`, () => {
    const declaration = { type, purpose: 'dead-letters' } as const;

    it('shows what waits, oldest first, again and again, and leaves it as it was', async () => {
      const { broker, queue } = await bench.withQueue(declaration);
      await Promise.all(numbered(150).map((body) => broker.publish(message(body, { messageId: `id-${body}`, headers: { n: body } }), { routingKey: queue })));
      for (let round = 0; round < 3; round++) {
        const seen: unknown[] = [];
        const result = await broker.browse(queue, ({ body, properties, routingKey }, position) => {
          seen.push([body.toString(), properties.messageId, properties.headers?.n, routingKey, position]);
          return 'keep';
        });
        expect(seen).toEqual(numbered(150).map((body, position) => [body, `id-${body}`, body, queue, position]));
        expect(result).toEqual({ visited: 150, removed: 0, end: 'all' });
      }
      expect(await drain(broker, queue, 150)).toEqual(numbered(150));
    });

    it('removes exactly what the visitor says, and keeps the order of the rest', async () => {
      const { broker, queue } = await bench.withQueue(declaration);
      await publishAll(broker, queue, numbered(30));
      const result = await broker.browse(queue, async (_message, position): Promise<BrowseAnswer> => {
        await Promise.resolve();
        if (position === 20) return 'stop';
        return position % 3 === 0 ? 'remove' : 'keep';
      });
      expect(result).toEqual({ visited: 21, removed: 7, end: 'stopped' });
      const left = numbered(30).filter((_body, index) => index >= 20 || index % 3 !== 0);
      expect(await look(broker, queue)).toEqual(left);
      expect(await drain(broker, queue, left.length)).toEqual(left);
    });

    it('keeps the order of more than is taken in hand at once', async () => {
      const { broker, queue } = await bench.withQueue(declaration);
      await publishAll(broker, queue, numbered(1_500));
      await broker.browse(queue, (_message, position) => (position % 7 === 0 ? 'remove' : 'keep'));
      await broker.browse(queue, (_message, position) => (position === 900 ? 'stop' : 'keep'));
      expect(await look(broker, queue)).toEqual(numbered(1_500).filter((_body, index) => index % 7 !== 0));
    });

    it('gives all back when the visitor throws, and rejects with that', async () => {
      const { broker, queue } = await bench.withQueue(declaration);
      await publishAll(broker, queue, numbered(10));
      const failure = new Error('a defect of the visitor');
      await expect(broker.browse(queue, (_message, position) => {
        if (position === 4) throw failure;
        return position === 0 ? 'remove' : 'keep';
      })).rejects.toBe(failure);
      expect(await look(broker, queue)).toEqual(numbered(10).slice(1));
    });

    it('ends when it holds as much as it may, in number and in bytes', async () => {
      const { broker, queue } = await bench.withQueue(declaration);
      await publishAll(broker, queue, numbered(10));
      const keep = (): BrowseAnswer => 'keep';
      expect(await broker.browse(queue, keep, { maxHeld: 4 })).toMatchObject({ visited: 4, end: 'limit' });
      expect((await broker.browse(queue, keep, { maxHeldBytes: 1 })).end).toBe('limit');
      expect(await broker.browse(queue, (_m, position) => (position < 8 ? 'remove' : 'keep'), { maxHeld: 4 })).toEqual({ visited: 10, removed: 8, end: 'all' });
      expect(await look(broker, queue)).toEqual(['m-8', 'm-9']);
    });

    it('does not visit what is published meanwhile', async () => {
      const { broker, queue } = await bench.withQueue(declaration);
      await publishAll(broker, queue, ['a', 'b']);
      const result = await broker.browse(queue, async ({ body }): Promise<BrowseAnswer> => {
        await broker.publish(message(`${body.toString()}'`), { queue });
        return 'remove';
      });
      expect(result).toEqual({ visited: 2, removed: 2, end: 'all' });
      expect(await look(broker, queue)).toEqual(["a'", "b'"]);
    });

    it('lets one walk go on at a time, so that each sees all and none reorders', async () => {
      const { broker, queue } = await bench.withQueue(declaration);
      const other = capabilities.outlivesItsObject ? await bench.connect() : broker;
      await publishAll(broker, queue, numbered(20));
      let walking = 0;
      const walk = async (from: Broker): Promise<string[]> => {
        const seen: string[] = [];
        await from.browse(queue, async ({ body }): Promise<BrowseAnswer> => {
          if (seen.length === 0) expect(++walking).toBe(1);
          seen.push(body.toString());
          await Promise.resolve();
          if (seen.length === 20) walking--;
          return 'keep';
        });
        return seen;
      };
      const walks = await Promise.all([walk(broker), walk(other), walk(broker), walk(other)]);
      for (const seen of walks) expect(seen).toEqual(numbered(20));
      expect(await drain(broker, queue, 20)).toEqual(numbered(20));
    });

    it('loses and doubles nothing beside a consumer that works', async () => {
      const { broker, queue } = await bench.withQueue(declaration);
      await publishAll(broker, queue, numbered(300));
      const { deliveries, bodies, consumption } = await collect(broker, queue, 5, acknowledge);
      const removed: string[] = [];
      for (let round = 0; round < 5; round++) {
        await broker.browse(queue, ({ body }, position) => {
          if (position % 2 === 1) return 'keep';
          removed.push(body.toString());
          return 'remove';
        });
      }
      await eventually(() => deliveries.all.length + removed.length, (count) => count >= 300, 'all to be consumed or removed');
      await consumption.close();
      expect([...bodies(), ...removed].sort()).toEqual(numbered(300).sort());
      expect(await broker.depth(queue)).toBe(0);
    });

    it('purges what waits, and says how much that was', async () => {
      const { broker, queue } = await bench.withQueue(declaration);
      await publishAll(broker, queue, numbered(25));
      await eventually(() => broker.depth(queue), (depth) => depth === 25, 'all to be counted');
      expect(await broker.purge(queue)).toBe(25);
      expect(await broker.purge(queue)).toBe(0);
      await publishAll(broker, queue, ['after']);
      expect(await look(broker, queue)).toEqual(['after']);
    });

    it('asks of each that it purges first, in batches, and not of what a consumer holds', async () => {
      const { broker, queue } = await bench.withQueue(declaration);
      await publishAll(broker, queue, numbered(1_200));
      await eventually(() => broker.depth(queue), (depth) => depth === 1_200, 'all to be counted');
      const held = new Arrivals<string>();
      const consumption = await broker.consume(queue, { tag: 'holds', prefetch: 5 }, ({ body }) => held.add(body.toString()));
      await held.count(5);
      await eventually(() => broker.depth(queue), (depth) => depth === 1_195, 'five to be held');
      const asked: string[] = [];
      expect(await broker.purge(queue, ({ body }) => {
        asked.push(body.toString());
        return asked.length % 3 === 0 ? Promise.resolve() : undefined;
      })).toBe(1_195);
      expect([...asked, ...held.all].sort()).toEqual(numbered(1_200).sort());
      await consumption.close();
      await eventually(() => broker.depth(queue), (depth) => depth === 5, 'what was held to be back');
      expect((await look(broker, queue)).sort()).toEqual([...held.all].sort());
    });

    it('keeps of what is purged whatever cannot be ended, and rejects with the reason', async () => {
      const { broker, queue } = await bench.withQueue(declaration);
      await publishAll(broker, queue, numbered(10));
      await eventually(() => broker.depth(queue), (depth) => depth === 10, 'all to be counted');
      const stuck = numbered(10)[4];
      const refuse = ({ body }: BrowsedMessage): Promise<void> | undefined => (body.toString() === stuck ? Promise.reject(new Error('not told')) : undefined);
      await expect(broker.purge(queue, refuse)).rejects.toThrow('not told');
      expect(await look(broker, queue)).toContain(stuck);
      expect(await broker.purge(queue, () => undefined)).toBeGreaterThan(0);
      expect(await look(broker, queue)).toEqual([]);
    });
  });

  describe('browsing', () => {
    it('walks through an empty queue', async () => {
      const { broker, queue } = await bench.withQueue();
      expect(await broker.browse(queue, () => 'remove')).toEqual({ visited: 0, removed: 0, end: 'all' });
    });

    it('says clearly that there is no such queue', async () => {
      const broker = await bench.connect();
      const queue = bench.name('missing');
      for (const call of [() => broker.browse(queue, () => 'keep'), () => broker.purge(queue)]) {
        const error = await call().then(() => undefined, (reason: unknown) => reason);
        expect(error).toBeInstanceOf(BrokerError);
        expect(error).toMatchObject({ code: 'ERR_DISPATCHER_NOT_FOUND' });
        expect((error as Error).message).toContain(queue);
      }
      // The next one finds nothing left behind.
      const there = bench.name();
      await broker.declare({ queues: [{ name: there }] });
      await expect(broker.browse(there, () => 'keep')).resolves.toMatchObject({ end: 'all' });
    });

    it('gives back what a walk held when its broker was closed in the middle', async () => {
      const { broker, queue } = await bench.withQueue();
      const other = capabilities.outlivesItsObject ? await bench.connect() : undefined;
      await publishAll(broker, queue, numbered(5));
      const [inside, goOn] = [new Signal(), new Signal()];
      const walk = broker.browse(queue, async (_message, position): Promise<BrowseAnswer> => {
        if (position === 3) {
          inside.fire();
          await goOn.promise;
        }
        return 'keep';
      }).then(() => undefined, (error: unknown) => error);
      await inside.within(10_000, 'the walk to be under way');
      const closing = broker.close(CLOSE_LIMIT_MS);
      goOn.fire();
      await closing;
      await walk;
      await expect(broker.browse(queue, () => 'keep')).rejects.toBeInstanceOf(ShutdownError);
      if (other !== undefined) expect(await look(other, queue)).toEqual(numbered(5));
    });
  });
}

async function look(broker: Broker, queue: string): Promise<string[]> {
  const seen: string[] = [];
  await broker.browse(queue, ({ body }) => {
    seen.push(body.toString());
    return 'keep';
  });
  return seen;
}

async function drain(broker: Broker, queue: string, count: number): Promise<string[]> {
  const { deliveries, consumption, bodies } = await collect(broker, queue, 1, acknowledge);
  await deliveries.count(count);
  await consumption.close();
  return bodies();
}
