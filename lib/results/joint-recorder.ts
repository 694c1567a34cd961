import type { OutcomeRecorder, Reported } from './outcome-recorder.js';
import type { TaskOutcome, TimelineEntry } from './task-result.js';

/** Tells all of them, each where it reaches somebody. */
export class JointRecorder implements OutcomeRecorder {
  constructor(private readonly recorders: readonly OutcomeRecorder[]) {}

  reaches(reported: Reported): boolean {
    return this.recorders.some((recorder) => recorder.reaches(reported));
  }

  async record(reported: Reported, entries: readonly TimelineEntry[], outcome?: TaskOutcome): Promise<void> {
    const reaching = this.recorders.filter((recorder) => recorder.reaches(reported));
    await Promise.all(reaching.map((recorder) => recorder.record(reported, entries, outcome)));
  }
}
