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
    node = await startRabbitMq({ config: 'consumer_timeout = 2000\nchannel_tick_interval = 1000' });
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
