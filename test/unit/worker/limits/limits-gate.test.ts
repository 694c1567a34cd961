import { expect, it, vi } from 'vitest';
import type { TaskLimits } from '../../../../lib/worker/limits/task-limits.js';
import { LimitsGate } from '../../../../lib/worker/limits/shared/limits-gate.js';
import type { Entered } from '../../../../lib/worker/limits/shared/name-limits.js';
import type { SharedLimits } from '../../../../lib/worker/limits/shared/shared-limits.js';
import type { HandledVisit } from '../../../../lib/worker/gates/task-gate.js';

it('gives back a place that is got only after its run was given up', async () => {
  let answer = (_entered: Entered): void => undefined;
  const limits = { enter: () => new Promise<Entered>((resolve) => { answer = resolve; }) } as unknown as SharedLimits;
  const handler = { name: 'a', run: () => undefined, limits: { isShared: true, options: {}, keyOf: () => undefined } as unknown as TaskLimits };
  const visit: HandledVisit = { uuid: 'u', name: 'a', args: [], headers: {}, attempt: 1, queue: 'q', worker: 'w', redelivered: false, handler };
  const gate = new LimitsGate(limits);
  const leave = vi.fn();
  const entering = gate.enter(visit);
  await gate.leave(visit, { kind: 'returned' });
  answer({ entered: true, leave });
  await entering;
  expect(leave.mock.calls).toEqual([[undefined]]);
});
