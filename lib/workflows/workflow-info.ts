import type { WorkflowStatus } from './workflow-state.js';

/** Which workflows are listed; all that is given must hold. @publicApi */
export interface WorkflowFilter {
  readonly status?: WorkflowStatus | readonly WorkflowStatus[];
  /** Exactly, or with `*` for any text. */
  readonly name?: string;
  /** Published at this time or later, in milliseconds since 1970. */
  readonly since?: number;
  /** Published before this. */
  readonly until?: number;
  /** How many at most, from 1 to 200. Default: 50. */
  readonly limit?: number;
  /** What an earlier page had in `next`. */
  readonly after?: string;
}

/** A workflow, as a list tells it. @publicApi */
export interface WorkflowInfo {
  readonly uuid: string;
  /** What it does, in the names of its tasks. */
  readonly name: string;
  readonly status: WorkflowStatus;
  /** Milliseconds since 1970, as is `endedAt`. */
  readonly startedAt: number;
  readonly endedAt?: number;
  /** How often it was retried. */
  readonly retries: number;
  /** Why it was cancelled. */
  readonly reason?: string;
  /** With which it has failed. */
  readonly error?: string;
  /** Of the steps at its top, how many have ended. Absent where counting would cost too much: of groups of more than 1,000. */
  readonly steps?: { readonly ended: number; readonly total: number };
}

/** @publicApi */
export interface WorkflowPage {
  /** The latest first. */
  readonly workflows: readonly WorkflowInfo[];
  /** For `after` of the next page, where there may be one. */
  readonly next?: string;
}
