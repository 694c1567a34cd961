import { randomBytes } from 'node:crypto';
import { type Broker, type Delivery, type Message, type MessageProperties, RECEIVED } from '../../brokers/broker.js';
import { UnroutableTaskError } from '../../errors.js';
import { acknowledge, bodyOf, collect, message, numbered, type BrokerSuite } from './bench.js';

const EVERY_PROPERTY: Required<Omit<MessageProperties, typeof RECEIVED>> = {
  contentType: 'application/json',
  contentEncoding: 'identity',
  headers: {
    text: 'plain', 'größe ключ 列': 'ünï ☃ 😀', empty: '', yes: true, no: false, nothing: null,
    whole: 42, negative: -7, wide: 2 ** 40, fraction: 1.5,
    list: [1, 'two', null, [true]], table: { deep: { deeper: ['x', { deepest: 1 }] } },
  },
  messageId: 'b2c9a2e6-5a0e-4d7e-9f59-000000000001',
  correlationId: 'correlation',
  replyTo: 'reply-queue',
  type: 'kind',
  appId: 'app',
  timestamp: 1_700_000_000,
  priority: 3,
};

export function publishingContract({ bench, describe, expect, it }: BrokerSuite): void {
  describe('publishing', () => {
    async function roundTrip(sent: Message): Promise<Delivery> {
      const { broker, queue } = await bench.withQueue();
      await broker.publish(sent, { routingKey: queue });
      const { deliveries } = await collect(broker, queue, 1, acknowledge);
      const [delivery] = await deliveries.count(1);
      return delivery as Delivery;
    }

    it('carries every property unchanged', async () => {
      const delivery = await roundTrip(message('{"a":1}', EVERY_PROPERTY));
      expect(bodyOf(delivery)).toBe('{"a":1}');
      expect(defined(delivery.properties)).toEqual(EVERY_PROPERTY);
      expect(delivery.redelivered).toBe(false);
    });

    it('invents no property', async () => {
      const delivery = await roundTrip(message('x'));
      const { headers, ...others } = defined(delivery.properties);
      expect(headers ?? {}).toEqual({});
      expect(others).toEqual({});
    });

    for (const [what, body] of [
      ['an empty body', Buffer.alloc(0)],
      ['text in any script', Buffer.from('ünï ☃ 😀 \u2028')],
      ['every byte there is', Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))],
      ['1 MiB', randomBytes(1024 * 1024)],
    ] as const) it(`carries ${what}`, async () => {
      const delivery = await roundTrip(message(body));
      expect(Buffer.compare(delivery.body, body)).toBe(0);
    });

    it('keeps its own copy: what the caller writes into the buffer after acceptance changes nothing', async () => {
      const { broker, queue } = await bench.withQueue();
      const body = Buffer.from('before');
      await broker.publish(message(body), { queue });
      body.write('after!');
      const { deliveries } = await collect(broker, queue, 1, acknowledge);
      expect((await deliveries.count(1)).map(bodyOf)).toEqual(['before']);
    });

    it('reaches every queue bound with the key, and no other', async () => {
      const broker = await bench.connect();
      const key = bench.name('key');
      const [first, second, other] = [bench.name('first'), bench.name('second'), bench.name('other')];
      await broker.declare({ queues: [{ name: first, bindingKeys: [key] }, { name: second, bindingKeys: [key] }, { name: other, bindingKeys: [other] }] });
      await broker.publish(message('both'), { routingKey: key });
      expect(await depths(broker, [first, second, other])).toEqual([1, 1, 0]);
    });

    it('reaches one queue by its name, bound or not', async () => {
      const broker = await bench.connect();
      const key = bench.name('key');
      const [unbound, bound] = [bench.name('unbound'), bench.name('bound')];
      await broker.declare({ queues: [{ name: unbound }, { name: bound, bindingKeys: [key] }] });
      await broker.publish(message('straight'), { queue: unbound });
      expect(await depths(broker, [unbound, bound])).toEqual([1, 0]);
    });

    for (const [what, properties] of [['a message', {}], ['a plain task', { messageId: 'of-nobody', contentType: 'application/json' }]] as const) it(`rejects ${what} that no queue takes, by key and by name`, async () => {
      const { broker } = await bench.withQueue();
      await expect(broker.publish(message('{}', properties), { routingKey: bench.name('nobody') })).rejects.toThrow(UnroutableTaskError);
      await expect(broker.publish(message('{}', properties), { queue: bench.name('nowhere') })).rejects.toThrow(UnroutableTaskError);
    });

    it('gives each of many in flight its own outcome', async () => {
      const { broker, queue } = await bench.withQueue();
      const nobody = bench.name('nobody');
      const outcomes = await Promise.allSettled(numbered(100).map((body, index) =>
        broker.publish(message(body, index % 2 === 0 ? {} : { messageId: `number ${index}` }), { routingKey: index % 3 === 0 ? nobody : queue })));
      const expected = outcomes.map((_, index) => (index % 3 === 0 ? 'rejected' : 'fulfilled'));
      expect(outcomes.map(({ status }) => status)).toEqual(expected);
      expect(await broker.depth(queue)).toBe(66);
    });

    it('accepts 10,000 at once and delivers each of them once', async () => {
      const { broker, queue } = await bench.withQueue();
      const { deliveries, bodies } = await collect(broker, queue, 200, acknowledge);
      await Promise.all(numbered(10_000).map((body) => broker.publish(message(body), { routingKey: queue })));
      await deliveries.count(10_000, 45_000);
      expect(new Set(bodies()).size).toBe(10_000);
      expect(deliveries.all.length).toBe(10_000);
    });
  });
}

function depths(broker: Broker, queues: string[]): Promise<(number | undefined)[]> {
  return Promise.all(queues.map((queue) => broker.depth(queue)));
}

function defined(properties: MessageProperties): MessageProperties {
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined));
}
