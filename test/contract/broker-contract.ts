import { describe } from 'vitest';
import { uniqueName } from '../support/shared-rabbitmq.js';
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
 * @param fixtureOf makes brokers of this kind, all on this exchange and one place. Each part has an exchange of its own, so
 *   that all parts run side by side: what they do is to wait
 * @param capabilities what this kind of broker promises beyond the port
 */
export function brokerContract(name: string, fixtureOf: (exchange: string) => BrokerFixture, capabilities: BrokerCapabilities): void {
  describe.concurrent(`broker contract: ${name}`, () => {
    for (const [part, contract] of Object.entries(PARTS)) {
      describe.concurrent(part, () => contract(fixtureOf(uniqueName(`contract-${part}`)), capabilities));
    }
  });
}

/** The longest first. */
const PARTS: Readonly<Record<string, (fixture: BrokerFixture, capabilities: BrokerCapabilities) => void>> = {
  'delayed-routing': delayedRoutingContract,
  delays: delayContract,
  browsing: browsingContract,
  replies: repliesContract,
  settling: settlingContract,
  consuming: consumingContract,
  publishing: publishingContract,
  closing: closingContract,
  broadcasts: broadcastContract,
  counting: countingContract,
  signals: signalContract,
  topology: topologyContract,
  states: stateContract,
};

export type { BrokerCapabilities, BrokerFixture, LosingBroker } from './broker/broker-fixture.js';
