import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AmqpBroker } from '../../lib/brokers/amqp/amqp-broker.js';
import type { BrokerEvent, Delivery } from '../../lib/brokers/broker.js';
import { BrokerError } from '../../lib/errors.js';
import { removeExchange } from '../support/amqp-clean-up.js';
import { CLASSIC, sharedRabbitMqUrl, uniqueName, withChannel } from '../support/shared-rabbitmq.js';
import { Arrivals, emission, eventually } from '../support/wait.js';

const url = sharedRabbitMqUrl();

describe('consuming from RabbitMQ', () => {
  let exchange: string;
  let queue: string;
  let broker: AmqpBroker;
  let events: BrokerEvent[];
  let deliveries: Arrivals<Delivery>;

  const publish = (count: number): Promise<unknown> =>
    Promise.all(Array.from({ length: count }, (_, n) => broker.publish({ body: Buffer.from(String(n)), properties: {} }, { queue })));
  /** Everything that the broker would deliver has come, when it was asked something after it. */
  const quiet = async (): Promise<void> => {
    let before = -1;
    await eventually(() => {
      const same = deliveries.all.length === before;
      before = deliveries.all.length;
      return same;
    }, (same) => same, 'deliveries to cease', { everyMs: 150 });
  };

  beforeEach(async () => {
    exchange = uniqueName('amqp-consuming');
    queue = `${exchange}.q`;
    deliveries = new Arrivals();
    events = [];
    broker = new AmqpBroker({ url, exchange, reconnection: { retries: 'forever' } });
    broker.events.subscribe((event) => events.push(event));
    await broker.connect();
    await broker.declare({ queues: [{ name: queue, bindingKeys: ['key'] }] });
  });

  afterEach(async () => {
    await broker.close(5000);
    await removeExchange(url, exchange, [queue]);
  });

  it('follows the prefetch up and down, and never lets more be unsettled', async () => {
    await publish(400);
    const unsettled: Delivery[] = [];
    let limit = 5;
    let most = 0;
    const consumption = await broker.consume(queue, { tag: 'test', prefetch: limit }, (delivery) => {
      unsettled.push(delivery);
      deliveries.add(delivery);
      most = Math.max(most, unsettled.length);
    });
    const settle = (count: number): void => {
      for (const delivery of unsettled.splice(0, count)) delivery.ack();
    };
    for (const next of [5, 20, 21, 22, 23, 24, 25, 26, 60]) {
      limit = next;
      void consumption.setPrefetch(next);
      await eventually(() => unsettled.length, (count) => count === next, `${next} unsettled`);
      await quiet();
      expect(unsettled.length).toBe(next);
    }
    void consumption.setPrefetch(10);
    await quiet();
    settle(45);
    await quiet();
    expect(unsettled.length).toBe(15);
    settle(10);
    await eventually(() => unsettled.length, (count) => count === 10, '10 unsettled');
    settle(10);
    await eventually(() => unsettled.length, (count) => count === 10, '10 others unsettled');
    await quiet();
    expect({ now: unsettled.length, most }).toEqual({ now: 10, most: 60 });
    settle(10);
    await consumption.close();
  });

  it('declares and consumes a queue again that was deleted under it', async () => {
    await broker.consume(queue, { tag: 'test', prefetch: 5 }, (delivery) => {
      deliveries.add(delivery);
      delivery.ack();
    });
    const restored = emission(broker.events, (event) => event.type === 'broker.consumer-restored', 'the consumer to be restored');
    await withChannel(url, (channel) => channel.deleteQueue(queue));
    await restored;
    await broker.publish({ body: Buffer.from('after'), properties: {} }, { routingKey: 'key' });
    await deliveries.count(1);
    expect(events.filter(({ type }) => type.startsWith('broker.consumer-')).map(({ type }) => type)).toEqual(['broker.consumer-lost', 'broker.consumer-restored']);
  });

  it('rejects for a queue that does not exist, and other consumers live on', async () => {
    await broker.consume(queue, { tag: 'test', prefetch: 5 }, (delivery) => {
      deliveries.add(delivery);
      delivery.ack();
    });
    const error = await broker.consume('no-such-queue', { tag: 'test', prefetch: 5 }, () => undefined).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(BrokerError);
    expect((error as BrokerError).code).toBe('ERR_DISPATCHER_NOT_FOUND');
    await publish(1);
    await deliveries.count(1);
  });

  it('tries a queue that it may not consume again only slowly, until it may', async () => {
    const consumption = await broker.consume(queue, { tag: 'test', prefetch: 1 }, (delivery) => {
      deliveries.add(delivery);
      delivery.ack();
    });
    const lost = emission(broker.events, (event) => event.type === 'broker.consumer-lost', 'the refusal');
    await withChannel(url, async (channel) => {
      await channel.deleteQueue(queue);
      // Now with other arguments: declaring it as ours is refused with 406.
      await channel.assertQueue(queue, { maxLength: 7, arguments: CLASSIC });
    });
    await lost;
    const refused = await emission(broker.events, (event) => event.type === 'broker.consumer-lost' && event.error.code === 'ERR_DISPATCHER_TOPOLOGY_MISMATCH', 'the 406');
    expect(refused).toMatchObject({ error: { fields: { argument: 'x-max-length', current: '7' } } });
    const restored = emission(broker.events, (event) => event.type === 'broker.consumer-restored', 'the consumer to be restored');
    await withChannel(url, (channel) => channel.deleteQueue(queue));
    await restored;
    await publish(1);
    await deliveries.count(1);
    await consumption.close();
  });

  it('settles what was acknowledged in any order when closed, and gives back the rest', async () => {
    await publish(100);
    const consumption = await broker.consume(queue, { tag: 'test', prefetch: 100 }, deliveries.add);
    await deliveries.count(100);
    for (const [index, delivery] of deliveries.all.entries()) if (index % 3 !== 0) delivery.ack();
    await consumption.close();
    expect(await eventually(() => broker.depth(queue), (depth) => depth === 34, 'the rest to be back')).toBe(34);
    expect(deliveries.all[0]?.ack()).toBe(false);
  });

  it('takes up consuming after both connections were cut, and refuses late settlements', async () => {
    await publish(3);
    await broker.consume(queue, { tag: 'test', prefetch: 10 }, deliveries.add);
    await deliveries.count(3);
    const again = emission(broker.events, (event) => event.type === 'broker.connected', 'the connection to be back');
    cutConnections(broker);
    await again;
    await deliveries.count(6);
    expect(deliveries.all.slice(0, 3).map((delivery) => delivery.ack())).toEqual([false, false, false]);
    expect(deliveries.all.slice(3).map((delivery) => [delivery.redelivered, delivery.ack()])).toEqual([[true, true], [true, true], [true, true]]);
    await eventually(() => broker.depth(queue), (depth) => depth === 0, 'everything to be settled');
  });
});

/** As a network does: without a word. */
function cutConnections(broker: AmqpBroker): void {
  for (const link of ['publishLink', 'consumeLink']) {
    const { model } = (broker as unknown as Record<string, { model: { connection: { stream: { destroy(error: Error): void } } } }>)[link] as never as { model: { connection: { stream: { destroy(error: Error): void } } } };
    model.connection.stream.destroy(new Error('cut by the test'));
  }
}
