import { AmqpBroker } from '../../lib/brokers/amqp/amqp-broker.js';
import { SMALL_WHEEL } from '../support/small-wheel.js';

/** A process that does nothing but be connected, as a publisher between two tasks: it forwards what is due. */
async function main([url, exchange, isSmall]: string[]): Promise<void> {
  const broker = new AmqpBroker({ url: url as string, exchange: exchange as string, reconnection: { retries: 'forever' }, ...(isSmall === undefined ? {} : { wheel: SMALL_WHEEL }) });
  await broker.connect();
  console.log('connected');
}

void main(process.argv.slice(2));
