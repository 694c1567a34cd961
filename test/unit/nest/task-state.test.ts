import { expect, it } from 'vitest';
import type { TaskContext, TaskState } from '../../../lib/index.js';

declare module '../../../lib/index.js' {
  interface TaskState { traceOfTest?: string }
}

it('can be extended by declaration merging with the public module', () => {
  const state: TaskState = { traceOfTest: 'abc' };
  const read = (context: Pick<TaskContext, 'state'>): string | undefined => context.state.traceOfTest;
  expect(read({ state })).toBe('abc');
});
