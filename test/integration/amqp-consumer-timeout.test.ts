import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AmqpBroker } from '../../lib/brokers/amqp/amqp-broker.js';
import type { BrokerEvent, Delivery } from '../../lib/brokers/broker.js';
import { type RabbitMqNode, startRabbitMq } from '../support/rabbitmq.js';
import { uniqueName } from '../support/shared-rabbitmq.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { Arrivals, pause } from '../support/wait.js';

/** A server that takes deliveries away after seconds, and looks for them every second. */
describe('a delivery that stays unsettled for longer than the server allows', () => {
  let node: RabbitMqNode;
  let proxy: TcpProxy;
  let queue: string;
  let broker: AmqpBroker;
  let events: Arrivals<BrokerEvent>;

  beforeAll(async () => {
    node = await startRabbitMq({ config: 'consumer_timeout = 2000', settings: '{channel_tick_interval, 1000}' });
  });
  afterAll(() => node.stop());

  beforeEach(async () => {
    const relay = await TcpProxy.before(node.url);
    proxy = relay.proxy;
    const exchange = uniqueName('timeout');
    queue = `${exchange}.q`;
    events = new Arrivals();
    broker = new AmqpBroker({ url: relay.url, exchange, reconnection: { retries: 'forever' } });
    broker.events.subscribe((event) => events.add(event));
    await broker.connect();
    await broker.declare({ queues: [{ name: queue, type: 'quorum' }] });
  });
  afterEach(async () => {
    await broker.close(5000);
    await proxy.close();
  });

  /** Classic queues of RabbitMQ 4.3 refuse to be told, whatever we took them for. */
  it.each(['classic', 'quorum'] as const)('keeps no queue from being consumed that is %s, as what it may be declared', async (type) => {
    const exchange = uniqueName('timeout-told');
    const name = `${exchange}.q`;
    await broker.declare({ queues: [{ name, type }] });
    const told = new AmqpBroker({ url: node.url, exchange, reconnection: { retries: 'forever' }, consumerTimeoutMs: 60_000 });
    try {
      await told.connect();
      for (const taken of ['classic', 'quorum'] as const) {
        (told as unknown as { topology: { typeOf(): string } }).topology.typeOf = () => taken;
        const deliveries = new Arrivals<Delivery>();
        const consumption = await told.consume(name, { tag: 'test', prefetch: 1 }, (delivery) => deliveries.add(delivery));
        await told.publish({ body: Buffer.from('one'), properties: {} }, { queue: name });
        const [delivery] = await deliveries.count(1);
        expect(delivery?.ack()).toBe(true);
        await consumption.close();
      }
    } finally {
      await told.close(5000);
    }
  });

  it('is told with what to do, comes again, and is known to be settled too late', async () => {
    const deliveries = new Arrivals<Delivery>();
    await broker.publish({ body: Buffer.from('one'), properties: {} }, { queue });
    await broker.consume(queue, { tag: 'test', prefetch: 3 }, (delivery) => deliveries.add(delivery));
    const lost = await events.first(({ type }) => type === 'broker.consumer-lost', 'the consumer to be lost', 30_000) as Extract<BrokerEvent, { type: 'broker.consumer-lost' }>;
    expect(lost.error.code).toMatch(/^ERR_DISPATCHER_CONSUMER_(TIMEOUT|CANCELLED)$/);
    expect(lost.error.message).toMatch(/consumer_timeout.*consumerTimeoutSeconds/);
    const [first, again] = await deliveries.count(2, 30_000, 'deliveries');
    expect({ inTime: first?.ack(), redelivered: again?.redelivered, text: again?.body.toString() }).toEqual({ inTime: false, redelivered: true, text: 'one' });
    expect(again?.ack()).toBe(true);
    expect(events.all.map(({ type }) => type)).not.toContain('broker.connection-lost');
  });

  /** While it does not hear the answer to the first close of the channel, the server closes it again at each look. */
  it('costs the channel, and not the connection, also where the server says so again and again', async () => {
    const deliveries = new Arrivals<Delivery>();
    await broker.publish({ body: Buffer.from('one'), properties: {} }, { queue });
    await broker.consume(queue, { tag: 'test', prefetch: 3 }, (delivery) => deliveries.add(delivery));
    await deliveries.count(1);
    proxy.set('freeze');
    await pause(6_000);
    proxy.set('pass');
    await events.first(({ type }) => type === 'broker.consumer-restored', 'the consumer to come back', 30_000);
    await deliveries.count(2, 30_000, 'deliveries');
    deliveries.all[1]?.ack();
    expect(events.all.map(({ type }) => type)).not.toContain('broker.connection-lost');
  });
});
