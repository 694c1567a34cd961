import type { TaskEnd } from '../gates/task-gate.js';
import { encodeRecord, endedRecord, type Parked, type StepEntry, type StepsRecord, type Turn, withEntry } from './steps-record.js';

/** Who waits for a signal looks so often whether it has come: its sender may have died before it could have the task go on. */
const LOOK_MS = 15 * 60_000;
/** The same where the task is too large to be kept with its record, so that only its copy has it go on. */
const SOON_MS = 30_000;
/** For how long it is remembered that a task has ended: as long as its delivery, or a copy, may come again. */
const ENDED_MS = 3_600_000;

/** How long a record is kept from now on, in milliseconds. */
export function expiryOf({ state, parked, copiesUntil }: StepsRecord, now: number, keepMs: number): number {
  const copiesMs = Math.max(0, copiesUntil - now);
  return state === 'ended' ? copiesMs + ENDED_MS : keepMs + Math.max(copiesMs, (parked?.until ?? 0) - now);
}

export function withoutOwner({ owner: _owner, ...record }: StepsRecord): StepsRecord {
  return record;
}

/** In the hands of a run: it waits no longer. */
export function taken({ parked: _parked, ...record }: StepsRecord, by: Pick<StepsRecord, 'task' | 'turn' | 'owner'>): StepsRecord {
  return { ...record, ...by, state: 'open' };
}

export interface Parking {
  readonly now: number;
  /** When it goes on by itself. */
  readonly until: number;
  readonly queue: string;
  /** What is published to have it go on, where that can be said in a text. */
  readonly message: string | undefined;
  /** How many bytes the record may have. */
  readonly room: number;
}

/** The record of a task that begins to wait. Without `parked` where something has come for it already: it goes on at once. */
export function parkedRecord(record: StepsRecord, waits: readonly StepEntry[], { now, until, queue, message, room }: Parking): StepsRecord {
  const left = withoutOwner(withEntry(record, ...waits));
  const signals = waits.filter(({ kind }) => kind === 'wait').map(({ name }) => name);
  if (record.calledOff !== undefined || signals.some((name) => record.signals.has(name))) return { ...left, copiesUntil: Math.max(record.copiesUntil, now) };
  const parked: Parked = { since: now, until, signals, queue };
  const whole = { ...left, parked: message === undefined ? parked : { ...parked, message } };
  const fits = message !== undefined && encodeRecord(whole).length <= room;
  const kept = fits ? whole : { ...left, parked };
  return { ...kept, copiesUntil: Math.max(record.copiesUntil, now + lookMs(kept.parked, now)) };
}

/** How long the copy of a task that waits stays away. */
export function lookMs({ until, signals, message }: Parked, now: number): number {
  const longest = signals.length === 0 ? Infinity : message === undefined ? SOON_MS : LOOK_MS;
  return Math.max(0, Math.min(until - now, longest));
}

/** What the copy of this turn finds: the task waits on. */
export function stillWaits({ turn: { wake, replays }, parked, calledOff, signals }: StepsRecord, turn: Turn, now: number): Parked | undefined {
  if (parked === undefined || calledOff !== undefined || turn.wake !== wake + 1 || turn.replays !== replays) return undefined;
  return now < parked.until && !parked.signals.some((name) => signals.has(name)) ? parked : undefined;
}

/** The record after the end of a run; `undefined`: as it is. */
export function afterEnd(record: StepsRecord, end: TaskEnd, now: number): StepsRecord | undefined {
  switch (end.kind) {
    case 'succeeded': case 'cancelled': case 'expired': case 'removed': return endedRecord(record);
    case 'failed': return { ...withoutOwner(record), state: 'failed' };
    case 'retrying': return { ...withoutOwner(record), turn: { ...record.turn, attempt: end.attempt }, copiesUntil: Math.max(record.copiesUntil, now + end.delayMs) };
    case 'returned': return withoutOwner(record);
    default: return undefined;
  }
}
