import { StepError } from '../../errors.js';

/** The version of the layout; higher ones are refused. */
const VERSION = 1;

/** How far a task has come, as its deliveries tell it: a later one is of more. */
export interface Turn {
  /** How often it was replayed from the dead letters. */
  readonly replays: number;
  /** How often it has waited, and was published again to go on. */
  readonly wake: number;
  readonly attempt: number;
  /** Which of the copies of one wake this is: only one goes on. Empty before the first. */
  readonly copy: string;
  /** When the task was published, where its message says so: another one of its uuid was at another time. Else empty. */
  readonly origin: string;
}

/** Who runs the task now. */
export interface RunOwner {
  /** The name under which its process says that it lives. */
  readonly process: string;
  /** Made anew for each run. */
  readonly run: string;
}

interface Named {
  readonly name: string;
  /** When it was recorded, in milliseconds since 1970. */
  readonly at: number;
}

/** What is recorded of one step of a task. */
export type StepEntry =
  | Named & {
    readonly kind: 'step';
    readonly attempt: number;
    readonly durationMs: number;
    readonly version?: number;
    /** What it gave, as a JSON text; or why that could not be kept. */
    readonly value?: string;
    readonly problem?: string;
  }
  | Named & { readonly kind: 'sleep'; readonly until: number }
  | Named & { readonly kind: 'wait'; readonly until: number; readonly timedOut?: boolean };

/** What somebody has told the task. */
export interface SignalEntry extends Named {
  /** As a JSON text. */
  readonly value: string;
  /** Of the call that wrote it: a write whose answer was lost is known again. */
  readonly id: string;
}

/** The task waits, and nobody runs it. */
export interface Parked {
  readonly since: number;
  /** When it goes on by itself: what it sleeps for, or the earliest time-out. */
  readonly until: number;
  /** The signals that have it go on before. */
  readonly signals: readonly string[];
  readonly queue: string;
  /** What is published to have it go on; absent where it is too large to be kept here. */
  readonly message?: string;
}

/** What is known of the steps of one task, under its uuid. */
export interface StepsRecord {
  /** Empty while only a signal has come for it. */
  readonly task: string;
  /** `unseen`: a signal came before its first step. `failed`: kept for a replay. `ended`: only that is remembered. */
  readonly state: 'unseen' | 'open' | 'failed' | 'ended';
  readonly turn: Turn;
  /** Absent: nobody runs it. */
  readonly owner?: RunOwner;
  readonly entries: ReadonlyMap<string, StepEntry>;
  readonly signals: ReadonlyMap<string, SignalEntry>;
  readonly parked?: Parked;
  /** Somebody has called it off. */
  readonly calledOff?: string;
  /** Until when copies of it may be on their way that go on nothing any more; milliseconds since 1970, 0: none. */
  readonly copiesUntil: number;
}

export const FIRST_TURN: Turn = { replays: 0, wake: 0, attempt: 1, copy: '', origin: '' };

export function newRecord(task: string, turn: Turn, owner?: RunOwner): StepsRecord {
  return { task, state: 'open', turn, ...(owner === undefined ? {} : { owner }), entries: new Map(), signals: new Map(), copiesUntil: 0 };
}

/** Nothing of it is needed any more but that it has ended. */
export function endedRecord({ task, turn, copiesUntil }: StepsRecord): StepsRecord {
  return { task, state: 'ended', turn, entries: new Map(), signals: new Map(), copiesUntil };
}

export function withEntry(record: StepsRecord, ...entries: readonly StepEntry[]): StepsRecord {
  const all = new Map(record.entries);
  for (const entry of entries) all.set(entry.name, entry);
  return { ...record, entries: all };
}

export function withSignal(record: StepsRecord, signal: SignalEntry): StepsRecord {
  return { ...record, signals: new Map(record.signals).set(signal.name, signal) };
}

export function encodeRecord(record: StepsRecord): Buffer {
  const { entries, signals, ...rest } = record;
  return Buffer.from(JSON.stringify({ v: VERSION, ...rest, entries: [...entries.values()], signals: [...signals.values()] }));
}

/** @throws StepError for bytes that are no record, or one of a later version */
export function decodeRecord(bytes: Buffer): StepsRecord {
  const found = parsed(bytes);
  const { v, task, state, turn, entries, signals, copiesUntil } = found;
  if (v !== VERSION) throw unreadable(`its version is ${String(v)}, and this release knows ${VERSION}`);
  const isOne = typeof task === 'string' && STATES.has(state) && isTurn(turn) && isListOfNamed(entries) && isListOfNamed(signals) && typeof copiesUntil === 'number';
  if (!isOne) throw unreadable('it lacks what every record has');
  const { owner, parked, calledOff } = found as Partial<StepsRecord>;
  return {
    task, state: state as StepsRecord['state'], turn, copiesUntil, entries: byName(entries as StepEntry[]), signals: byName(signals as SignalEntry[]),
    ...(owner === undefined ? {} : { owner }), ...(parked === undefined ? {} : { parked }), ...(calledOff === undefined ? {} : { calledOff }),
  };
}

const STATES: ReadonlySet<unknown> = new Set<StepsRecord['state']>(['unseen', 'open', 'failed', 'ended']);

function isTurn(turn: unknown): turn is Turn {
  const { replays, wake, attempt, copy } = (turn ?? {}) as Partial<Turn>;
  return [replays, wake, attempt].every(Number.isFinite) && typeof copy === 'string';
}

function isListOfNamed(list: unknown): list is Named[] {
  return Array.isArray(list) && list.every((one: Partial<Named> | null) => typeof one?.name === 'string' && typeof one.at === 'number');
}

function byName<Entry extends Named>(entries: readonly Entry[]): ReadonlyMap<string, Entry> {
  return new Map(entries.map((entry) => [entry.name, entry]));
}

function parsed(bytes: Buffer): Record<string, unknown> {
  try {
    const found: unknown = JSON.parse(bytes.toString());
    if (typeof found === 'object' && found !== null && !Array.isArray(found)) return found as Record<string, unknown>;
  } catch (error) {
    throw unreadable('it is not JSON', error);
  }
  throw unreadable('it is not an object');
}

function unreadable(found: string, cause?: unknown): StepError {
  return new StepError(`The steps of a task cannot be read: ${found}. Was their key written by another program, or by a newer version?`, {}, cause);
}
