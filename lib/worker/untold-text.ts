import type { TaskIdentity } from '../events/dispatcher-event.js';

const MOST_NAMED = 10;

/** Whoever runs them next has to take the end of this process for a crash that one of them may have caused. */
export function untoldText(tasks: readonly TaskIdentity[]): string {
  const named = tasks.slice(0, MOST_NAMED).map(({ name, uuid }) => `"${name}" (${uuid})`).join(', ');
  return `It has to end, and could not record in time how interrupted tasks were left, ${tasks.length} of them: ${named}${tasks.length > MOST_NAMED ? ', ...' : ''}. `
    + 'They run again elsewhere, and each may be counted as a crash (maxRedeliveries). Where that happens often, raise shutdownTimeoutSeconds';
}
