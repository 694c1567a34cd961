import type { TaskIdentity } from '../events/dispatcher-event.js';
import type { TaskArgument, TaskHeaders } from '../task/task.js';
import type { TaskLimits } from './limits/task-limits.js';
import type { RunNotes } from './run-notes.js';

/** What may be seen of a run, while it runs and at its end. Nothing of it is a copy: who keeps it keeps it alive. */
export interface ObservedRun extends TaskIdentity {
  /** By `clock.elapsed()`. */
  readonly startedAt: number;
  readonly headers: Readonly<TaskHeaders>;
  readonly task: { readonly args: readonly TaskArgument[] };
  readonly delivery: { readonly body: { readonly length: number } };
  /** What its handler limits, as it was told. */
  readonly handler?: { readonly limits?: Pick<TaskLimits, 'options' | 'keyOf'> };
  /** Where its handler takes many at once: of the call. */
  readonly seat?: { readonly batchId: string; readonly batchSize: number } | undefined;
  /** Absent where its handler has said nothing of itself. */
  readonly notes: RunNotes | undefined;
}

/** How what a worker took ended here for good, or for this attempt. */
export type ObservedEnd = 'succeeded' | 'failed' | 'retrying' | 'cancelled' | 'expired' | 'dropped';

/** Is told of every run of one worker: whatever it does costs every task. It must not throw. */
export interface RunObserver {
  /** A delivery came, and has a slot. */
  received(): void;
  /** Its end is recorded, and its delivery settled. `reason`: of a dead letter its `DeadReason`, else a text. */
  ended(run: ObservedRun, end: ObservedEnd, reason?: string, error?: unknown): void;
  /** The same of one that was not run. */
  endedUnrun(task: TaskIdentity, end: ObservedEnd, reason?: string, error?: unknown): void;
}
