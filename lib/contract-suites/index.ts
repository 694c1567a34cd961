export type { AsyncTestFunctions } from './async-test-functions.js';
export { brokerContract } from './broker-contract.js';
export type { BrokerCapabilities, BrokerFixture, BrokerTestFunctions, LosingBroker, RepliesFixture } from './broker/bench.js';
export { claimStoreContract } from './claim-store-contract.js';
export { formatContract, type FormatUnderTest, type TestFunctions } from './format-contract.js';
export type { StateBackendsUnderTest } from './state/bench.js';
export { stateBackendContract } from './state-backend-contract.js';
export { taskGateContract, type TaskGateUnderTest } from './task-gate-contract.js';
