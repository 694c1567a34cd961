import type { Recurrence } from './recurrence.js';

/**
 * What becomes of ticks that came while nobody could fire them. `skip`: nothing, but that the latest fires where it is
 * less than a minute old; `once`: the latest fires, however old; `all`: each of them, up to the latest 1,000.
 *
 * @publicApi
 */
export type MissedTicks = 'skip' | 'once' | 'all';

export const MISSED_CHOICES: readonly MissedTicks[] = ['skip', 'once', 'all'];

/** Late, but not missed: the death of the process whose turn it was, which another finds out. All fire then, whatever the policy. */
export const LATE_MS = 5_000;
/** What was missed by no more than a restart: a nightly tick fires although it fell into a deployment. */
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
  const oldest = recurrence.next(after);
  if (oldest === undefined || oldest > now) return { fire: [] };
  if (oldest > now - LATE_MS) return { fire: ticksIn(recurrence, after, now) };
  const fire = policy === 'all' ? latestIn(recurrence, after, now, MOST_MISSED)
    : latestIn(recurrence, policy === 'once' ? after : Math.max(after, now - GRACE_MS), now, 1);
  const missed = missedBetween(recurrence, after, fire[0] === undefined ? now : fire[0] - 1);
  return missed === undefined ? { fire } : { fire, missed };
}

/** After `from`, up to and including `to`. */
function ticksIn(recurrence: Recurrence, from: number, to: number): number[] {
  const ticks: number[] = [];
  for (let tick = recurrence.next(from); tick !== undefined && tick <= to; tick = recurrence.next(tick)) ticks.push(tick);
  return ticks;
}

function latestIn(recurrence: Recurrence, from: number, to: number, most: number): number[] {
  const ticks: number[] = [];
  let tick = recurrence.previous(to + 1);
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
