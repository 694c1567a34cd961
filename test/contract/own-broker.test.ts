import { heldToTheBrokerContract } from './broker-contract.js';
import { OwnBroker } from '../support/own-broker/own-broker.js';

heldToTheBrokerContract('of your own, in memory', (exchange) => ({
  exchange, makeBroker: () => new OwnBroker(exchange), removeQueues: () => Promise.resolve(), replies: 'none',
}), { outlivesItsObject: false, countsDeaths: false, showsFirst: true });
