import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AmqpBroker } from '../../lib/brokers/amqp/amqp-broker.js';
import { levelName } from '../../lib/brokers/amqp/delays/delay-ladder.js';
import type { AmqpBrokerOptions } from '../../lib/brokers/amqp/amqp-broker-options.js';
import type { Message, MessageProperties } from '../../lib/brokers/broker.js';
import {
  BrokerUnavailableError,
  InvalidTaskError,
  PublishBufferFullError,
  ShutdownError,
  TaskRejectedError,
  TaskTooLargeError,
  TopologyMismatchError,
  UnroutableTaskError,
} from '../../lib/errors.js';
import { removeExchange } from '../support/amqp-clean-up.js';
import { CLASSIC, sharedRabbitMqUrl, uniqueName, withChannel } from '../support/shared-rabbitmq.js';

const url = sharedRabbitMqUrl();

describe('publishing on RabbitMQ', () => {
  let exchange: string;
  let queue: string;
  let broker: AmqpBroker;

  const make = (options: Partial<AmqpBrokerOptions> = {}): AmqpBroker => new AmqpBroker({ url, exchange, reconnection: { retries: 'forever' }, ...options });
  const message = (messageId: string, properties: MessageProperties = {}, body: Buffer = Buffer.from(messageId)): Message => ({
    body,
    properties: { messageId, ...properties },
  });
  const toQueue = (...args: Parameters<typeof message>): Promise<void> => broker.publish(message(...args), { routingKey: 'key' });

  beforeEach(async () => {
    exchange = uniqueName('amqp-publishing');
    queue = `${exchange}.q`;
    broker = make();
    await broker.connect();
    await broker.declare({ queues: [{ name: queue, bindingKeys: ['key'] }] });
  });

  afterEach(async () => {
    await broker.close(5000);
    await removeExchange(url, exchange, [queue]);
  });

  it.each<[string, MessageProperties, string]>([
    ['headers beyond the frame that was negotiated', { headers: { large: 'x'.repeat(140_000) } }, 'key'],
    ['a header that is no AMQP value', { headers: { big: 1n as unknown as number } }, 'key'],
    ['a header that is not a number', { headers: { nan: Number.NaN } }, 'key'],
    ['a header name of 300 bytes', { headers: { ['n'.repeat(300)]: 1 } }, 'key'],
    ['a correlation id of 300 bytes', { correlationId: 'c'.repeat(300) }, 'key'],
    ['a priority of 300', { priority: 300 }, 'key'],
    ['half a second as timestamp', { timestamp: 0.5 }, 'key'],
    ['a routing key of 300 bytes', {}, 'k'.repeat(300)],
  ])('rejects %s alone, and credits the confirms of its neighbours rightly', async (_name, properties, routingKey) => {
    const outcomes = await Promise.allSettled([
      toQueue('before'),
      broker.publish(message('bad', properties), { routingKey }),
      toQueue('after'),
      broker.publish(message('unroutable'), { routingKey: 'nobody' }),
      toQueue('last'),
    ]);
    expect(outcomes.map((one) => (one.status === 'rejected' ? (one.reason as Error).constructor : 'accepted'))).toEqual([
      'accepted', expect.toSatisfy(isInvalidTask), 'accepted', UnroutableTaskError, 'accepted',
    ]);
    expect(await broker.depth(queue)).toBe(3);
  });

  it('tells exactly the unroutable ones among thousands in flight', async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 5000 }, (_, n) => broker.publish(message(`m${n}`), { routingKey: n % 7 === 0 ? 'nobody' : 'key' })),
    );
    const wrong = outcomes.filter((one, n) => (one.status === 'rejected') !== (n % 7 === 0));
    expect(wrong).toEqual([]);
    expect(await broker.depth(queue)).toBe(outcomes.filter((one) => one.status === 'fulfilled').length);
  });

  it('lets no more wait than the bounds allow, and says so', async () => {
    await broker.close(5000);
    broker = make({ publishing: { maxWaitingTasks: 10, maxWaitingBytes: 20_000 } });
    await broker.connect();
    const taken = Array.from({ length: 10 }, (_, n) => toQueue(`m${n}`));
    await expect(toQueue('one more')).rejects.toThrow(PublishBufferFullError);
    await Promise.all(taken);
    await expect(toQueue('huge', {}, Buffer.alloc(20_001))).rejects.toThrow(TaskTooLargeError);
    await toQueue('again');
    expect(await broker.depth(queue)).toBe(11);
  });

  it('tries again what a full queue refuses, then gives it up with an error', async () => {
    const full = `${exchange}.full`;
    await withChannel(url, (channel) => channel.assertQueue(full, { maxLength: 1, overflow: 'reject-publish', arguments: CLASSIC }));
    try {
      await broker.publish(message('first'), { queue: full });
      const refused = broker.publish(message('second'), { queue: full });
      await toQueue('neighbour');
      await expect(refused).rejects.toThrow(TaskRejectedError);
      expect(await broker.depth(full)).toBe(1);
    } finally {
      await withChannel(url, (channel) => channel.deleteQueue(full));
    }
  });

  it('accepts what a full queue refused at first, once there is room', async () => {
    const full = `${exchange}.full`;
    await withChannel(url, (channel) => channel.assertQueue(full, { maxLength: 1, overflow: 'reject-publish', arguments: CLASSIC }));
    try {
      await broker.publish(message('first'), { queue: full });
      const second = broker.publish(message('second'), { queue: full });
      await withChannel(url, (channel) => channel.purgeQueue(full));
      await second;
      expect(await broker.depth(full)).toBe(1);
    } finally {
      await withChannel(url, (channel) => channel.deleteQueue(full));
    }
  });

  it('survives the deletion of its exchange: declares it again and delivers everything', async () => {
    await withChannel(url, (channel) => channel.deleteExchange(exchange));
    const outcomes = await Promise.allSettled(Array.from({ length: 500 }, (_, n) => toQueue(`m${n}`)));
    expect(outcomes.filter((one) => one.status === 'rejected')).toEqual([]);
    expect(await broker.depth(queue)).toBeGreaterThanOrEqual(500);
  });

  it('survives the deletion of a part of the delay ladder', async () => {
    await broker.publish(message('warm-up'), { queue }, { delayMs: 1 });
    await withChannel(url, (channel) => channel.deleteExchange(levelName(exchange, 0)));
    await broker.publish(message('again'), { queue }, { delayMs: 1 });
    await toQueue('neighbour');
  });

  it('takes delayed messages only for a queue that exists', async () => {
    await expect(broker.publish(message('a'), { queue: 'no-such-queue' }, { delayMs: 5 })).rejects.toThrow(UnroutableTaskError);
    await expect(broker.publish(message('a'), { queue }, { delayMs: Infinity })).rejects.toThrow(InvalidTaskError);
  });

  it('puts what falls due for a deleted queue aside', async () => {
    await broker.publish(message('orphan'), { queue }, { delayMs: 300 });
    await withChannel(url, (channel) => channel.deleteQueue(queue));
    const orphan = new Promise<Buffer>((resolve, reject) => {
      broker.consume(`${exchange}.undelivered`, { tag: 'test', prefetch: 1 }, (delivery) => {
        resolve(delivery.body);
        delivery.ack();
      }).catch(reject);
    });
    expect((await orphan).toString()).toBe('orphan');
  });

  it('sends what was taken before it closes, and takes nothing more', async () => {
    const taken = Array.from({ length: 3000 }, (_, n) => toQueue(`m${n}`));
    const closed = broker.close(10_000);
    await expect(toQueue('too late')).rejects.toThrow(ShutdownError);
    await closed;
    await Promise.all(taken);
    expect(await withChannel(url, async (channel) => (await channel.checkQueue(queue)).messageCount)).toBe(3000);
  });

  it('rejects before it is connected', async () => {
    const idle = make({ publishing: { maxWaitMs: 50 } });
    await expect(idle.publish(message('a'), { routingKey: 'key' })).rejects.toThrow(BrokerUnavailableError);
    await expect(idle.declare({ queues: [] })).rejects.toThrow(BrokerUnavailableError);
    await idle.close(100);
  });

  it('fails to connect over an exchange of another type, and names the difference', async () => {
    const other = uniqueName('amqp-topic');
    await withChannel(url, (channel) => channel.assertExchange(other, 'topic'));
    const wrong = new AmqpBroker({ url, exchange: other, reconnection: { retries: 'forever' } });
    try {
      const error = await wrong.connect().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(TopologyMismatchError);
      expect((error as TopologyMismatchError).fields).toMatchObject({ argument: 'type', received: 'direct', current: 'topic' });
    } finally {
      await wrong.close(1000);
      await withChannel(url, (channel) => channel.deleteExchange(other));
    }
  });
});

/** It, or one of its kind: a constructor, not an instance. */
function isInvalidTask(constructor: unknown): boolean {
  return constructor === InvalidTaskError || (constructor as { prototype: unknown }).prototype instanceof InvalidTaskError;
}
