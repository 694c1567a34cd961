import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AmqpBroker } from '../../lib/brokers/amqp/amqp-broker.js';
import type { BrowseAnswer, QueueType } from '../../lib/brokers/broker.js';
import { BrokerUnavailableError } from '../../lib/errors.js';
import { removeExchange } from '../support/amqp-clean-up.js';
import { sharedRabbitMqUrl, uniqueName } from '../support/shared-rabbitmq.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { Arrivals, emission, eventually } from '../support/wait.js';

const url = sharedRabbitMqUrl();

describe('browsing and signals when the connection breaks', () => {
  let exchange: string;
  let queue: string;
  let proxy: TcpProxy;
  const brokers: AmqpBroker[] = [];

  const connected = async (address: string): Promise<AmqpBroker> => {
    const broker = new AmqpBroker({ url: address, exchange, heartbeatSeconds: 2, reconnection: { retries: 'forever', intervalMs: 10 } });
    brokers.push(broker);
    await broker.connect();
    return broker;
  };
  const look = async (broker: AmqpBroker): Promise<string[]> => {
    const seen: string[] = [];
    await broker.browse(queue, ({ body }) => {
      seen.push(body.toString());
      return 'keep';
    });
    return seen;
  };
  let through: string;

  beforeEach(async () => {
    exchange = uniqueName('browsing');
    queue = `${exchange}.q`;
    ({ proxy, url: through } = await TcpProxy.before(url));
  });

  afterEach(async () => {
    await Promise.all(brokers.splice(0).map((broker) => broker.close(2_000)));
    await proxy.close();
    await removeExchange(url, exchange, [queue]);
  });

  it.each<QueueType>(['classic', 'quorum'])('gives all of a %s queue back but what was surely removed', async (type) => {
    const [broken, other] = [await connected(through), await connected(url)];
    await other.declare({ queues: [{ name: queue, type, purpose: 'dead-letters' }] });
    for (let i = 0; i < 200; i++) await other.publish({ body: Buffer.from(`m${i}`), properties: {} }, { queue });
    const walk = broken.browse(queue, async (_message, position): Promise<BrowseAnswer> => {
      if (position === 100) {
        const lost = emission(broken.states, ({ status }) => status === 'lost', 'the loss to be noticed');
        proxy.resetAll();
        await lost;
      }
      return 'keep';
    });
    await expect(walk).rejects.toBeInstanceOf(BrokerUnavailableError);
    await eventually(() => other.depth(queue), (depth) => depth === 200, 'all to be back');
    const all = Array.from({ length: 200 }, (_, i) => `m${i}`);
    // The lock went with the connection.
    expect((await look(other)).sort()).toEqual([...all].sort());
    await eventually(() => look(broken), (seen) => seen.length === 200, 'the broken one to look again');
  });

  it('hears of a signal that it missed, and of the next ones', async () => {
    const [broken, other] = [await connected(through), await connected(url)];
    const signals = new Arrivals<true>();
    await broken.watchSignals(() => signals.add(true));
    proxy.resetAll();
    await signals.count(1);
    await other.signal();
    await signals.count(2);
  });
});
