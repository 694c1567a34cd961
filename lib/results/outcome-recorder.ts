import type { TaskOutcome, TimelineEntry } from './task-result.js';

/** What is reported on: a task, or a workflow. */
export interface Reported {
  readonly uuid: string;
  readonly name: string;
  /** Where whoever asked for its result listens; a queue. Absent: only what keeps results is told. */
  readonly replyTo?: string;
}

/** Tells, or keeps, what becomes of tasks. */
export interface OutcomeRecorder {
  /** False: nobody could come to know, so the work can be saved. */
  reaches(reported: Reported): boolean;
  /**
   * False: nobody listens for now to what happens on the way. It may be kept back, to go along with what is told next:
   * when it was asked again, when the run ends or goes on elsewhere. Asked before each report of what happens on the
   * way, and no more often: the answer may be true for one of many. Absent: somebody always listens.
   */
  isListenedTo?(reported: Reported): boolean;
  /**
   * Resolves when all entries, and with the last of them an end and its outcome, are kept or on their way for certain.
   * May be repeated: the first end is the end.
   *
   * @throws what keeps it from being recorded; it may have been all the same
   */
  record(reported: Reported, entries: readonly TimelineEntry[], outcome?: TaskOutcome): Promise<void>;
}
