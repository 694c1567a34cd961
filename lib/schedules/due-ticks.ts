import type { Recurrence } from './recurrence.js';

/**
 * What becomes of ticks that came while nobody could fire them. `skip`: nothing; `once`: the latest of them fires;
 * `all`: each of them, up to the latest {@link MOST_MISSED}. A tick less than {@link GRACE_MS} ago fires in any case.
 *
 * @publicApi
 */
export type MissedTicks = 'skip' | 'once' | 'all';

export const MISSED_CHOICES: readonly MissedTicks[] = ['skip', 'once', 'all'];

/** Late, but not missed: a restart, a lost connection, the death of the process whose turn it was. */
export const GRACE_MS = 60_000;
/** How many missed ticks `all` fires at most, and up to which number missed ones are counted. */
export const MOST_MISSED = 1_000;

export interface DueTicks {
  /** To be fired now, oldest first. */
  readonly fire: readonly number[];
  /** Not to be fired any more. */
  readonly missed?: MissedRange;
}

export interface MissedRange {
  /** At least so many: what is more than {@link MOST_MISSED} is not counted. */
  readonly count: number;
  readonly first: number;
  readonly last: number;
}

/** Which ticks are due: those after `after`, up to `now`. */
export function dueTicks(recurrence: Recurrence, after: number, now: number, policy: MissedTicks): DueTicks {
  const edge = Math.max(after, now - GRACE_MS);
  const recent = ticksIn(recurrence, edge, now);
  const oldest = recurrence.next(after);
  if (oldest === undefined || oldest > edge) return { fire: recent };
  const older = latestIn(recurrence, after, edge, olderToFire(policy, recent.length));
  const fire = [...older, ...recent];
  const missed = missedBetween(recurrence, after, older[0] === undefined ? edge : older[0] - 1);
  return missed === undefined ? { fire } : { fire, missed };
}

function olderToFire(policy: MissedTicks, recent: number): number {
  if (policy === 'all') return MOST_MISSED - recent;
  return policy === 'once' && recent === 0 ? 1 : 0;
}

/** After `from`, up to and including `to`. */
function ticksIn(recurrence: Recurrence, from: number, to: number): number[] {
  const ticks: number[] = [];
  for (let tick = recurrence.next(from); tick !== undefined && tick <= to; tick = recurrence.next(tick)) ticks.push(tick);
  return ticks;
}

function latestIn(recurrence: Recurrence, from: number, to: number, most: number): number[] {
  const ticks: number[] = [];
  let tick = most > 0 ? recurrence.previous(to + 1) : undefined;
  while (tick !== undefined && tick > from && ticks.length < most) {
    ticks.push(tick);
    tick = recurrence.previous(tick);
  }
  return ticks.reverse();
}

function missedBetween(recurrence: Recurrence, from: number, to: number): MissedRange | undefined {
  const first = recurrence.next(from);
  const last = recurrence.previous(to + 1);
  if (first === undefined || last === undefined || first > to) return undefined;
  let count = 1;
  for (let tick: number | undefined = first; tick < last && count < MOST_MISSED; count++) tick = recurrence.next(tick) ?? last;
  return { count, first, last };
}
