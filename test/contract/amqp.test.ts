import { afterAll } from 'vitest';
import { AmqpBroker } from '../../lib/brokers/amqp/amqp-broker.js';
import { removeExchange } from '../support/amqp-clean-up.js';
import { removeFromRabbitMq, sharedRabbitMqUrl } from '../support/shared-rabbitmq.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { emission } from '../support/wait.js';
import type { BrokerFixture, LosingBroker } from '../../lib/contract-suites/index.js';
import { heldToTheBrokerContract } from './broker-contract.js';

const url = sharedRabbitMqUrl();
const exchanges: string[] = [];

function fixtureOf(exchange: string): BrokerFixture {
  exchanges.push(exchange);
  return {
    exchange,
    makeBroker: () => new AmqpBroker({ url, exchange, reconnection: { retries: 'forever' } }),
    removeQueues: (queues) => removeFromRabbitMq(url, { queues: [...queues] }),
    replies: { connectLosing: (keepMs) => connectLosing(exchange, keepMs) },
  };
}

heldToTheBrokerContract('amqp', fixtureOf, { outlivesItsObject: true, countsDeaths: false, showsFirst: false });

async function connectLosing(exchange: string, keepMs: number): Promise<LosingBroker> {
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

afterAll(async () => { for (const exchange of exchanges) await removeExchange(url, exchange); });
