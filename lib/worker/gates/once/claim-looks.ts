import { Header } from '../../../task/headers.js';
import type { TaskHeaders } from '../../../task/task.js';
import type { OnceClaim } from './once-claim.js';
import type { OnceTimes } from './once-times.js';

/**
 * How often in turn a delivery has met the very same claim. The delivery takes the count along, so that it does not
 * matter which process looks, and no two clocks are compared.
 */
export function looksOf(headers: Readonly<TaskHeaders>, claim: OnceClaim): number {
  const seen = headers[Header.claimSeen];
  if (typeof seen !== 'string') return 0;
  const [count, ...of] = seen.split(' ');
  return of.join(' ') === stampOf(claim) ? Math.max(0, Math.trunc(Number(count))) + 1 || 0 : 0;
}

export function lookHeaders(claim: OnceClaim, looks: number): TaskHeaders {
  // Whoever knew what to do with it counts for more than whoever did not.
  return { [Header.claimSeen]: `${looks} ${stampOf(claim)}`, [Header.returns]: 0 };
}

/** How long a copy of a leased task waits before it looks again. A claim that seems old by its own clock is looked at more often. */
export function pauseBeforeLook(claim: OnceClaim, looks: number, now: number, { takeoverMs, leasedLookMs }: OnceTimes): number {
  return looks > 0 || now - claim.at > 2 * takeoverMs ? takeoverMs : leasedLookMs;
}

function stampOf({ owner, at }: OnceClaim): string {
  return `${owner} ${at}`;
}
