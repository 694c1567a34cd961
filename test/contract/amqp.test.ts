import { afterAll } from 'vitest';
import { AmqpBroker } from '../../lib/brokers/amqp/amqp-broker.js';
import { removeExchange } from '../support/amqp-clean-up.js';
import { removeFromRabbitMq, sharedRabbitMqUrl, uniqueName } from '../support/shared-rabbitmq.js';
import { brokerContract } from './broker-contract.js';

const url = sharedRabbitMqUrl();
const exchange = uniqueName('contract');

brokerContract('amqp', {
  exchange,
  makeBroker: () => new AmqpBroker({ url, exchange, reconnection: { retries: 'forever' } }),
  removeQueues: (queues) => removeFromRabbitMq(url, { queues: [...queues] }),
}, { outlivesItsObject: true, countsDeliveries: false });

afterAll(() => removeExchange(url, exchange));
