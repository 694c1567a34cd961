import { afterEach, describe, expect, it } from 'vitest';
import { brokerContract, type BrokerCapabilities, type BrokerFixture } from '../../lib/contract-suites/index.js';

/** The suite that others run on brokers of their own, its parts side by side. */
export function heldToTheBrokerContract(name: string, fixtureOf: (exchange: string) => BrokerFixture, capabilities: BrokerCapabilities): void {
  brokerContract({ describe: describe.sequential, sideBySide: describe.concurrent, it, afterEach, expect }, name, fixtureOf, capabilities);
}
