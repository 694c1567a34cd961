import type { TaskOutcome, TimelineEntry } from './task-result.js';

/** Keeps what becomes of tasks; resolves when it is kept. */
export interface OutcomeRecorder {
  record(task: { uuid: string; name: string }, entry: TimelineEntry, outcome?: TaskOutcome): Promise<void>;
}
