import { describe } from 'vitest';
import { describeClaims } from './results/claims.js';
import { describeConnection } from './results/connection.js';
import { useResultBackends, type ResultBackendSubject } from './results/fixture.js';
import { describeMembers } from './results/members.js';
import { describeValues } from './results/values.js';
import { describeWatching } from './results/watching.js';

/** What `lib/state/state-backend.ts` promises, held against one backend on its real server. */
export function describeResultBackend(name: string, subject: ResultBackendSubject): void {
  if (subject.missing !== undefined) console.error(`NOT TESTED: the result backend ${name}, because this machine has no ${subject.missing}`);
  describe.skipIf(subject.missing !== undefined)(`the result backend ${name}`, () => {
    const bench = useResultBackends(subject);
    describeValues(bench);
    describeClaims(bench);
    describeMembers(bench);
    describeWatching(bench);
    describeConnection(bench);
  });
}
