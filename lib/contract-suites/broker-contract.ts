import { randomUUID } from 'node:crypto';
import { BrokerBench, type BrokerCapabilities, type BrokerFixture, type BrokerSuite, type BrokerTestFunctions } from './broker/bench.js';
import { broadcastContract } from './broker/broadcasts.js';
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

/** The longest first. */
const PARTS: Readonly<Record<string, (suite: BrokerSuite) => void>> = {
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

/**
 * Holds a broker to the port `Broker`, for `broker` of the configuration: every "must" of its comments is a test here, for the
 * runner of your choice. Ours run it too. What becomes of it when its server dies is for tests of your own.
 *
 * @param name as it stands in the output
 * @param fixtureOf makes brokers of this kind, all on this exchange and in one place. Each part of the suite has an exchange
 *   of its own, and names of queues that nobody else has
 * @param capabilities what this kind of broker promises beyond the port
 * @publicApi
 */
export function brokerContract(functions: BrokerTestFunctions, name: string, fixtureOf: (exchange: string) => BrokerFixture, capabilities: BrokerCapabilities): void {
  const { describe, sideBySide = describe } = functions;
  sideBySide(`broker contract: ${name}`, () => {
    for (const [part, contract] of Object.entries(PARTS)) {
      sideBySide(part, () => {
        const fixture = fixtureOf(`contract-${part}-${randomUUID().slice(0, 8)}`);
        contract({ ...functions, fixture, capabilities, bench: new BrokerBench(functions, fixture) });
      });
    }
  });
}
