import type { OutcomeRecorder } from '../results/outcome-recorder.js';
import { errorRecord } from '../results/task-error-record.js';
import type { TaskOutcome, TimelineEntry } from '../results/task-result.js';
import { Header } from '../task/headers.js';
import { pauseUntil } from './pause-until.js';
import type { RunningTask } from './running-task.js';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

/** Which tasks have their results kept: those that ask for it, or all. */
export type ResultsOf = 'asked' | 'all';

/**
 * Tells the result backend what becomes of tasks. An end is kept before the delivery is acknowledged:
 * while the backend is away the task stays with the broker, and nothing is lost when it returns.
 */
export class ResultKeeper {
  constructor(
    private readonly recorder: OutcomeRecorder,
    private readonly resultsOf: ResultsOf,
    private readonly stopped: AbortSignal,
    private readonly onProblem: (message: string, error: unknown) => void,
  ) {}

  isAsked(run: RunningTask): boolean {
    return this.resultsOf === 'all' || run.handler.result === true || run.headers[Header.result] === true;
  }

  started(run: RunningTask): void {
    this.note(run, { state: 'started', ...stamp(run) });
  }

  retrying(run: RunningTask, error: unknown, delayMs: number): void {
    this.note(run, { state: 'retrying', ...stamp(run), delayMs, error: errorRecord(error) });
  }

  /** True once it is kept; false when the worker was stopped before that. */
  succeeded(run: RunningTask, value: unknown): Promise<boolean> {
    return this.keep(run, { state: 'succeeded', ...stamp(run) }, { kind: 'value', value });
  }

  /** As {@link succeeded}, for a task of which no attempt is left. */
  failed(run: RunningTask, state: 'failed' | 'timedOut' | 'cancelled', error: unknown): Promise<boolean> {
    return this.keep(run, { state, ...stamp(run), error: errorRecord(error) });
  }

  /** On the way, not an end: tried once, and not worth delaying the task for. Kept in order, one after the other. */
  private note(run: RunningTask, entry: TimelineEntry): void {
    run.recorded = (run.recorded ?? Promise.resolve()).then(() => this.recorder.record(run, entry)).catch((error: unknown) => {
      this.onProblem(`That task ${run.uuid} is "${entry.state}" could not be recorded; the task goes on.`, error);
    });
  }

  private async keep(run: RunningTask, entry: TimelineEntry, outcome?: TaskOutcome): Promise<boolean> {
    await run.recorded;
    for (let pauseMs = FIRST_PAUSE_MS; !this.stopped.aborted; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        await this.recorder.record(run, entry, outcome);
        return true;
      } catch (error) {
        this.onProblem(`The result of task ${run.uuid} could not be kept; the task is not acknowledged, and this is tried again.`, error);
        await pauseUntil(pauseMs, this.stopped);
      }
    }
    return false;
  }
}

function stamp(run: RunningTask): { at: number; worker: string; attempt: number } {
  return { at: Date.now(), worker: run.worker, attempt: run.attempt };
}
