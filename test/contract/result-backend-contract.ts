import { describe, expect, it } from 'vitest';
import { stateBackendContract } from '../../lib/contract-suites/index.js';
import { describeConnection } from './results/connection.js';
import { useResultBackends, type ResultBackendSubject } from './results/fixture.js';
import { describeMembers } from './results/members.js';
import { describeValues } from './results/values.js';
import { describeWatching } from './results/watching.js';

/** What `lib/state/state-backend.ts` promises, held against one backend on its real server: the suite that others have too, and what only ours can be asked. */
export function describeResultBackend(name: string, subject: ResultBackendSubject): void {
  if (subject.missing !== undefined) console.error(`NOT TESTED: the result backend ${name}, because this machine has no ${subject.missing}`);
  describe.skipIf(subject.missing !== undefined)(`the result backend ${name}`, () => {
    const bench = useResultBackends(subject);
    stateBackendContract({ describe, it: it.concurrent, expect }, name, () => Promise.resolve(bench.place()));
    describeValues(bench);
    describeMembers(bench);
    describeWatching(bench);
    describeConnection(bench);
  });
}
