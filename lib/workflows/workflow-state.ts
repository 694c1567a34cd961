import { InvalidBodyError } from '../errors.js';
import { decodeValue, encodeValue } from '../results/result-value.js';
import type { TaskErrorRecord } from '../results/task-error-record.js';
import type { StepOutcome } from './step-outcome.js';

/** Where a workflow as a whole stands. @publicApi */
export type WorkflowStatus = 'running' | 'succeeded' | 'failed' | 'cancelled';

/** What is kept of a workflow as a whole; all else follows from what is kept of its steps. */
export interface WorkflowState {
  readonly status: WorkflowStatus;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly endedAt?: number;
  /** How often a failed one was made to go on. */
  readonly retries: number;
  readonly outcome?: StepOutcome;
  /** Why it was cancelled. */
  readonly reason?: string;
}

export function newState(now: number): WorkflowState {
  return { status: 'running', startedAt: now, retries: 0 };
}

/** After the whole has ended so; the same where that changes nothing: the first success, or a cancellation, is the end. */
export function ended(state: WorkflowState, outcome: StepOutcome, now: number): WorkflowState {
  if (state.status === 'cancelled' || state.status === 'succeeded') return state;
  if (outcome.kind === 'value') return { ...state, status: 'succeeded', endedAt: now, outcome };
  return state.status === 'failed' ? state : { ...state, status: 'failed', endedAt: now, outcome };
}

export function cancelled(state: WorkflowState, reason: string, now: number): WorkflowState {
  if (state.status === 'cancelled' || state.status === 'succeeded') return state;
  return { ...state, status: 'cancelled', endedAt: now, reason };
}

/** A failed one goes on. */
export function resumed(state: WorkflowState): WorkflowState {
  if (state.status !== 'failed') return state;
  return { status: 'running', startedAt: state.startedAt, retries: state.retries + 1 };
}

export function encodeState(state: WorkflowState): Buffer {
  const encoded = encodeValue(state);
  if ('problem' in encoded) throw new TypeError(encoded.problem);
  return Buffer.from(encoded.text);
}

/** @throws InvalidBodyError */
export function decodeState(bytes: Buffer): WorkflowState {
  try {
    const state = decodeValue(bytes.toString()) as WorkflowState;
    if (['running', 'succeeded', 'failed', 'cancelled'].includes(state.status)) return state;
  } catch (error) {
    throw new InvalidBodyError('The stored state of a workflow cannot be read. Was its key written by another program?', {}, error);
  }
  throw new InvalidBodyError('The stored state of a workflow is of no known kind. Was it written by a newer version?');
}

/** The error in place of a value that could not be kept. */
export function unkeepable(problem: string): StepOutcome {
  const error: TaskErrorRecord = { name: 'ResultTooLargeError', message: problem };
  return { kind: 'error', error };
}
