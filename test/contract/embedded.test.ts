import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { EmbeddedBroker } from '../../lib/brokers/embedded/embedded-broker.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';
import type { BrokerFixture } from '../../lib/contract-suites/index.js';
import { heldToTheBrokerContract } from './broker-contract.js';

const folder = temporaryFolder('contract');

/** Names are unique, and the folder goes as a whole: there is nothing to remove one by one. */
function fixture(exchange: string, location?: string): BrokerFixture {
  return { exchange, makeBroker: () => new EmbeddedBroker({ location, exchange }), removeQueues: () => Promise.resolve(), replies: 'none' };
}

/** A folder for each exchange: what is delayed is counted, and forwarded, for a folder as a whole. */
function fixtureInFolder(exchange: string): BrokerFixture {
  const location = join(folder, exchange);
  mkdirSync(location);
  return fixture(exchange, location);
}

heldToTheBrokerContract('embedded, in memory', (exchange) => fixture(exchange), { outlivesItsObject: false, countsDeaths: true, showsFirst: true });
heldToTheBrokerContract('embedded, in a folder', fixtureInFolder, { outlivesItsObject: true, countsDeaths: true, showsFirst: true });

afterAll(() => removeFolder(folder));
