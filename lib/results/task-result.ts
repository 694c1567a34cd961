import type { TaskErrorRecord } from './task-error-record.js';

/** Where a task stands. `suspended`: it waits for a time or a signal, between two of its steps. The last five are ends. @publicApi */
export type TaskState =
  | 'published' | 'received' | 'started' | 'progress' | 'retrying' | 'suspended'
  | 'succeeded' | 'failed' | 'timedOut' | 'cancelled' | 'expired';

/** How it ended. @publicApi */
export type FinalState = Extract<TaskState, 'succeeded' | 'failed' | 'timedOut' | 'cancelled' | 'expired'>;

const FINAL: ReadonlySet<TaskState> = new Set<FinalState>(['succeeded', 'failed', 'timedOut', 'cancelled', 'expired']);

/** One thing that happened to the task. @publicApi */
export interface TimelineEntry {
  readonly state: TaskState;
  /** Milliseconds since 1970, by the clock of whoever reports it. */
  readonly at: number;
  /** The worker that reports it. */
  readonly worker?: string;
  /** The attempt, from 1. */
  readonly attempt?: number;
  /** `progress`: how much is done, 0 to 1. */
  readonly fraction?: number;
  /** `progress`: what the handler says beside that. */
  readonly data?: unknown;
  /** `published`: an ended task is run again from its dead letter; the record begins anew. */
  readonly replayed?: boolean;
  /** `retrying`: milliseconds until the next attempt. */
  readonly delayMs?: number;
  /** `retrying` and the ends that are failures: why. */
  readonly error?: TaskErrorRecord;
}

/**
 * What came of it. `unstorable`: the handler succeeded, but what it returned cannot be kept (circular,
 * too large, a function); the task is not run again for that, and whoever asks for the result gets
 * the problem as an error.
 * @publicApi
 */
export type TaskOutcome =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'unstorable'; readonly problem: string }
  | { readonly kind: 'error'; readonly error: TaskErrorRecord };

/** All that is known of one task. @publicApi */
export interface TaskResult {
  readonly uuid: string;
  readonly name: string;
  readonly state: TaskState;
  /** The latest attempt, from 1; 0 before the first. */
  readonly attempt: number;
  /** In the order of arrival; {@link MAX_TIMELINE} entries at most, of a run of `progress` only the last. */
  readonly timeline: readonly TimelineEntry[];
  /** How many entries were left out, from the middle. */
  readonly dropped: number;
  /** Only at the end. */
  readonly outcome?: TaskOutcome;
}

/** A task that retries for months must not have a record without bounds. */
export const MAX_TIMELINE = 100;
const KEPT_FROM_THE_START = 20;

export function isFinal(state: TaskState): state is FinalState {
  return FINAL.has(state);
}

/** The record of a task of which nothing is known yet but its name. */
export function newTaskResult(uuid: string, name: string): TaskResult {
  return { uuid, name, state: 'published', attempt: 0, timeline: [], dropped: 0 };
}

/**
 * The record after these have happened, one after the other.
 *
 * The first end is the end: a redelivery that runs a finished task again changes nothing in what was
 * told of it. Only an entry with `replayed` reopens a record.
 *
 * @param outcome of the end among the entries
 */
export function advance(result: TaskResult, entries: readonly TimelineEntry[], outcome?: TaskOutcome): TaskResult {
  return entries.reduce((before, entry) => step(before, entry, outcome), result);
}

function step(result: TaskResult, entry: TimelineEntry, outcome: TaskOutcome | undefined): TaskResult {
  if (entry.replayed !== true) {
    // The publisher's word may come last: its confirm can be slower than a fast worker.
    if (entry.state === 'published' && result.timeline.length > 0) return { ...result, ...counted([entry, ...result.timeline], result.dropped) };
    if (isFinal(result.state)) return result;
  }
  const { uuid, name } = result;
  const attempt = Math.max(entry.attempt ?? 0, entry.replayed === true ? 0 : result.attempt);
  const next = { uuid, name, state: entry.state, attempt, ...counted(withEntry(result.timeline, entry), result.dropped) };
  return isFinal(entry.state) ? { ...next, outcome: outcome ?? outcomeOfEnd(entry) } : next;
}

/** The same record, with the problem in place of a value that a backend refused to keep. */
export function withoutValue(result: TaskResult, problem: string): TaskResult {
  return { ...result, timeline: result.timeline.map(({ data: _data, ...entry }) => entry), outcome: result.outcome?.kind === 'value' ? { kind: 'unstorable', problem } : result.outcome };
}

function outcomeOfEnd(entry: TimelineEntry): TaskOutcome {
  if (entry.state === 'succeeded') return { kind: 'value', value: undefined };
  return { kind: 'error', error: entry.error ?? { name: 'Error', message: `The task ended as "${entry.state}".` } };
}

/** Of a run of `progress` only the last is kept. */
export function withEntry(timeline: readonly TimelineEntry[], entry: TimelineEntry): TimelineEntry[] {
  const last = timeline.at(-1);
  const follows = entry.state === 'progress' && last?.state === 'progress' && last.attempt === entry.attempt;
  return [...(follows ? timeline.slice(0, -1) : timeline), entry];
}

function counted(timeline: TimelineEntry[], dropped: number): { timeline: readonly TimelineEntry[]; dropped: number } {
  const tooMany = Math.max(0, timeline.length - MAX_TIMELINE);
  timeline.splice(KEPT_FROM_THE_START, tooMany);
  return { timeline, dropped: dropped + tooMany };
}
