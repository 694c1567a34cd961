import { afterAll } from 'vitest';
import { EmbeddedBroker } from '../../lib/brokers/embedded/embedded-broker.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';
import { brokerContract, type BrokerFixture } from './broker-contract.js';

const folder = temporaryFolder('contract');

/** Names are unique, and the folder goes as a whole: there is nothing to remove one by one. */
function fixture(location?: string): BrokerFixture {
  return { exchange: 'contract', makeBroker: () => new EmbeddedBroker({ location, exchange: 'contract' }), removeQueues: () => Promise.resolve(), replies: 'none' };
}

brokerContract('embedded, in memory', fixture(), { outlivesItsObject: false, countsDeaths: true });
brokerContract('embedded, in a folder', fixture(folder), { outlivesItsObject: true, countsDeaths: true });

afterAll(() => removeFolder(folder));
