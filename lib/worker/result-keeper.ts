import type { OutcomeRecorder } from '../results/outcome-recorder.js';
import { errorRecord } from '../results/task-error-record.js';
import type { FinalState } from '../results/task-result.js';
import { countHeader, Header } from '../task/headers.js';
import { clock } from '../time/clock.js';
import type { HandledVisit, TaskVisit } from './gates/task-gate.js';
import { RunReports, type ReportHost } from './run-reports.js';
import type { RunningTask } from './running-task.js';

/** Which tasks have their results kept: those that ask for it, or all. */
export type ResultsOf = 'asked' | 'all';

/**
 * Tells what becomes of tasks whose results are asked for. An end is recorded before the delivery is acknowledged:
 * while it cannot be, the task stays with the broker, and nothing is lost.
 */
export class ResultKeeper implements ReportHost {
  constructor(
    readonly recorder: OutcomeRecorder,
    private readonly resultsOf: ResultsOf,
    readonly stopped: AbortSignal,
    readonly onProblem: (message: string, error: unknown) => void,
  ) {}

  /** Called for every task: it only looks at what is at hand. */
  private isAsked(visit: HandledVisit): boolean {
    const asked = visit.headers[Header.result] === true || visit.handler?.result === true || this.resultsOf === 'all';
    return asked && visit.uuid !== '' && this.recorder.reaches(visit);
  }

  /** From now on the run has `reports`, if anybody wants to know. */
  received(run: RunningTask): void {
    if (!this.isAsked(run)) return;
    run.reports = new RunReports({ uuid: run.uuid, name: run.name, replyTo: run.replyTo }, this);
    const entry = stamp(run);
    // The record of its first life has ended; this is the next one.
    if (run.attempt === 1 && !run.redelivered && countHeader(run.headers, Header.replays, 0) > 0) {
      run.reports.note({ state: 'published', replayed: true, at: entry.at });
    }
    run.reports.note({ state: 'received', ...entry });
  }

  started(run: RunningTask): void {
    run.reports?.note({ state: 'started', ...stamp(run) });
  }

  retrying(run: RunningTask, error: unknown, delayMs: number): void {
    run.reports?.leave({ state: 'retrying', ...stamp(run), delayMs, error: errorRecord(error) });
  }

  suspended(run: RunningTask, delayMs: number): void {
    run.reports?.leave({ state: 'suspended', ...stamp(run), delayMs });
  }

  /** True once it is kept; false when the worker was stopped before that. */
  async succeeded(run: RunningTask, value: unknown): Promise<boolean> {
    return run.reports === undefined || run.reports.end({ state: 'succeeded', ...stamp(run) }, { kind: 'value', value });
  }

  /** As {@link succeeded}, for a task of which no attempt is left. */
  async failed(run: RunningTask, state: 'failed' | 'timedOut' | 'cancelled', error: unknown): Promise<boolean> {
    return run.reports === undefined || run.reports.end({ state, ...stamp(run), error: errorRecord(error) });
  }

  /** As {@link failed}, for a task that was called off. */
  cancelled(run: RunningTask, error: unknown): Promise<boolean> {
    return this.failed(run, 'cancelled', error);
  }

  /** As {@link failed}, for one that ended without having run. `undefined`: nobody asked. */
  endedUnrun(visit: HandledVisit, state: Exclude<FinalState, 'succeeded'>, error: unknown): Promise<boolean> | undefined {
    if (!this.isAsked(visit)) return undefined;
    const reports = new RunReports({ uuid: visit.uuid, name: visit.name, replyTo: visit.replyTo }, this);
    return reports.end({ state, ...stamp(visit), error: errorRecord(error) });
  }
}

function stamp({ worker, attempt }: TaskVisit): { at: number; worker: string; attempt: number } {
  return { at: clock.now(), worker, attempt };
}
