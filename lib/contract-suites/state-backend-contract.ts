import type { AsyncTestFunctions } from './async-test-functions.js';
import { benchOf, type StateBackendsUnderTest } from './state/bench.js';
import { claimsContract } from './state/claims.js';
import { membersContract } from './state/members.js';
import { valuesContract } from './state/values.js';
import { lifeContract, watchingContract } from './state/watching.js';

/**
 * What every store of what processes remember together has to do, for `resultBackend` of the configuration, as tests for the
 * runner of your choice. What becomes of it when its server dies is for tests of your own.
 *
 * @param open an empty place each time, or keys of its own in one
 * @publicApi
 */
export function stateBackendContract(functions: AsyncTestFunctions, name: string, open: () => Promise<StateBackendsUnderTest>): void {
  const bench = benchOf(functions, open);
  functions.describe(`the state backend ${name}`, () => {
    functions.describe('values', () => { valuesContract(bench); });
    functions.describe('claims', () => { claimsContract(bench); });
    functions.describe('members', () => { membersContract(bench); });
    functions.describe('watches', () => { watchingContract(bench); });
    functions.describe('life', () => { lifeContract(bench, open); });
  });
}
