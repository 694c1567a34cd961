import { expect, it } from 'vitest';
import { isAllPassed, serversTable, type Cell } from '../../../scripts/test-servers-table.mjs';

const cell = (server: string, type: string, suite: string, rest: Partial<Cell> = {}): Cell =>
  ({ server, type, suite, commit: 'abc', passed: 10, skipped: 0, failures: [], retried: [], seconds: 125, ...rest });

it('has a line for each server and type, the oldest first, and what failed below', () => {
  const cells = [
    cell('4.0.5', 'quorum', 'faults', { failures: ['a.test.ts: breaks'], skipped: 2, seconds: 59.7 }),
    cell('3.10.8', 'classic', 'contract'),
    cell('3.10.8', 'classic', 'faults', { retried: ['b.test.ts: wavers'] }),
    cell('4.3', 'classic', 'contract', { missing: 'there is none' }),
  ];
  expect(serversTable(cells, ['contract', 'faults'])).toBe(`| RabbitMQ | default type | contract | faults |
|---|---|---|---|
| 3.10.8 | classic | 10 passed, 2:05 min | 10 passed, 2:05 min |
| 4.0.5 | quorum |  | **1 failed**, 10 passed, 2 skipped, 1:00 min |
| 4.3 | classic | not run |  |

- 4.0.5 quorum faults: failed: a.test.ts: breaks
- 3.10.8 classic faults: passed at the second try: b.test.ts: wavers
- 4.3 classic contract: not run, because there is none
`);
});

it('says at which commit a suite was run, where that is not the last', () => {
  const cells = [cell('4.3', 'classic', 'contract', { commit: 'old' }), cell('4.3', 'classic', 'faults')];
  expect(serversTable(cells, ['contract', 'faults'])).toContain('| 4.3 | classic | 10 passed, 2:05 min, at old | 10 passed, 2:05 min |');
});

it('says that all passed only where something ran and nothing failed', () => {
  const good = cell('4.0.5', 'classic', 'faults');
  expect([[good], [], [good, { ...good, failures: ['x'] }], [{ ...good, passed: 0 }], [good, { ...good, missing: 'why' }]].map(isAllPassed)).toEqual([true, false, false, false, false]);
});
