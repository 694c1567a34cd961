import { afterAll } from 'vitest';
import { AmqpBroker } from '../../lib/brokers/amqp/amqp-broker.js';
import { removeExchange } from '../support/amqp-clean-up.js';
import { removeFromRabbitMq, sharedRabbitMqUrl, uniqueName } from '../support/shared-rabbitmq.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { emission } from '../support/wait.js';
import { brokerContract, type LosingBroker } from './broker-contract.js';

const url = sharedRabbitMqUrl();
const exchange = uniqueName('contract');

brokerContract('amqp', {
  exchange,
  makeBroker: () => new AmqpBroker({ url, exchange, reconnection: { retries: 'forever' } }),
  removeQueues: (queues) => removeFromRabbitMq(url, { queues: [...queues] }),
  replies: { connectLosing },
}, { outlivesItsObject: true, countsDeaths: false });

async function connectLosing(keepMs: number): Promise<LosingBroker> {
  const { proxy, url: leading } = await TcpProxy.before(url);
  const broker = new AmqpBroker({ url: leading, exchange, reconnection: { retries: 'forever', intervalMs: 100 }, repliesExpireMs: keepMs });
  await broker.connect();
  return {
    broker,
    lose: async () => {
      proxy.set('reset');
      await emission(broker.states, ({ status }) => status !== 'ready', 'the connection to be lost');
    },
    giveBack: () => proxy.set('pass'),
    close: async () => {
      proxy.set('pass');
      await broker.close(5_000);
      await proxy.close();
    },
  };
}

afterAll(() => removeExchange(url, exchange));
