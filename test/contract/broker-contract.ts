import { describe } from 'vitest';
import { broadcastContract } from './broker/broadcasts.js';
import type { BrokerCapabilities, BrokerFixture } from './broker/broker-fixture.js';
import { browsingContract } from './broker/browsing.js';
import { closingContract } from './broker/closing.js';
import { consumingContract } from './broker/consuming.js';
import { countingContract } from './broker/counting.js';
import { delayContract } from './broker/delays.js';
import { delayedRoutingContract } from './broker/delayed-routing.js';
import { publishingContract } from './broker/publishing.js';
import { repliesContract } from './broker/replies.js';
import { settlingContract } from './broker/settling.js';
import { signalContract } from './broker/signals.js';
import { stateContract } from './broker/states.js';
import { topologyContract } from './broker/topology.js';

/**
 * Holds one adapter to the port `lib/brokers/broker.ts`: every "must" of its comments is a test here.
 * A new adapter is a file in `test/contract/` that calls this, nothing more.
 *
 * @param name as it stands in the output
 * @param fixture makes brokers of this kind, all on one exchange and one place
 * @param capabilities what this kind of broker promises beyond the port
 */
export function brokerContract(name: string, fixture: BrokerFixture, capabilities: BrokerCapabilities): void {
  describe(`broker contract: ${name}`, () => {
    stateContract(fixture);
    topologyContract(fixture);
    publishingContract(fixture);
    consumingContract(fixture, capabilities);
    settlingContract(fixture, capabilities);
    browsingContract(fixture, capabilities);
    countingContract(fixture);
    signalContract(fixture, capabilities);
    broadcastContract(fixture, capabilities);
    repliesContract(fixture);
    delayContract(fixture, capabilities);
    delayedRoutingContract(fixture, capabilities);
    closingContract(fixture, capabilities);
  });
}

export type { BrokerCapabilities, BrokerFixture, LosingBroker } from './broker/broker-fixture.js';
