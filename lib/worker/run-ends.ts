import { DispatcherError, type TaskTimeoutError } from '../errors.js';
import type { EventSink } from '../events/dispatcher-event.js';
import { errorText } from '../task/error-text.js';
import { clock } from '../time/clock.js';
import type { Entrance } from './gates/task-gate.js';
import { endingByFailure, endingByThrow } from './run-ending.js';
import { isAwaited, isOpen, RunPhase, RunStep } from './run-phase.js';
import type { RunningTask } from './running-task.js';
import type { StepJournal } from './steps/step-journal.js';
import type { TaskEndings } from './task-endings.js';

/** What the ends of runs need of their runner. */
export interface RunEndsHost {
  /** Of the worker. */
  readonly name: string;
  readonly emit: EventSink;
  /** The event loop stands still, or did until a moment ago: what came in meanwhile has not been heard yet. */
  readonly isLoopLate: boolean;
  /** Called once for each run that is not abandoned, when all is done: its slot is free. `ran` false: it has not run. */
  left(run: RunningTask, ran: boolean): void;
}

/**
 * Ends runs, each of them once, whatever happens to it and in whatever order. Who comes first has decided how it ends
 * ({@link decide}); that is recorded, its delivery settled, and then its slot is free ({@link finish}). Whoever comes
 * later is late. Never throws, whatever a user's code does.
 */
export class RunEnds {
  constructor(private readonly endings: TaskEndings, private readonly host: RunEndsHost) {}

  /** What its handler gave back. */
  returned(run: RunningTask, result: unknown): void {
    if (mayBeThenable(result)) void this.adopt(run, result);
    else this.succeeded(run, result);
  }

  /** Its handler threw, or it could not be called. */
  threw(run: RunningTask, thrown: unknown): void {
    this.guarded(run, () => {
      if (!isOpen(run.phase)) return this.late(run);
      if (this.waitsForSteps(run, () => this.threw(run, thrown))) return;
      const ending = endingByThrow(thrown, run, clock.random());
      // The value may be a promise, and may yet fail.
      if (ending.kind === 'succeed') return this.returned(run, ending.value);
      const ran = run.phase === RunPhase.running && ending.kind !== 'wait';
      if (!this.decide(run, RunStep.decide)) return;
      if (ending.kind === 'retry' || ending.kind === 'bury') this.host.emit({ type: 'task.failed', task: run.identity(), error: ending.error, durationMs: clock.elapsed() - run.startedAt });
      this.finish(run, this.endings.record(run, ending), ran);
    });
  }

  /** It is not let in. */
  turnedAway(run: RunningTask, entrance: Exclude<Entrance, { kind: 'run' }>): void {
    if (this.decide(run, RunStep.decide)) this.finish(run, this.endings.record(run, entrance), false);
  }

  /** Its time is up. Its handler is asked to stop, and not waited for. */
  overran(run: RunningTask, error: TaskTimeoutError): void {
    this.guarded(run, () => {
      if (!this.decide(run, RunStep.overrun)) return;
      run.abort(error);
      this.host.emit({ type: 'task.timed-out', task: run.identity(), error, durationMs: clock.elapsed() - run.startedAt });
      // One that waits, and whose handler has not let itself be left, goes on waiting.
      const ending = run.steps?.verdict ?? endingByFailure(error, 'timed-out', run, clock.random());
      this.finish(run, this.endings.record(run, ending), true);
    });
  }

  /** Waits for it no longer: its delivery goes back when the channel closes. Resolves when the gates know of it. */
  async abandon(run: RunningTask): Promise<void> {
    const awaited = isAwaited(run.phase);
    if (!run.step(RunStep.abandon)) return;
    run.timer?.cancel();
    if (awaited) this.host.emit({ type: 'task.abandoned', task: run.identity() });
    const telling = awaited ? this.endings.abandoned(run) : undefined;
    run.reports?.abandon();
    run.release?.(true);
    await telling;
  }

  /**
   * The last resort: what our own code throws between the end of a handler and its settlement. The slot becomes free, the
   * delivery a dead letter that says what happened, or goes back to its queue where not even that is possible.
   */
  rescue(run: RunningTask, defect: unknown): void {
    this.problem(`Task "${run.name}" (${run.uuid}) could not be ended as it should`, defect);
    if (!run.step(RunStep.rescue)) return;
    run.timer?.cancel();
    this.buryRescued(run, defect).then(() => this.leave(run, true)).catch((error: unknown) => {
      this.problem(`The slot of task "${run.name}" (${run.uuid}) could not be freed in order`, error);
    });
  }

  /** As `await` does it, whatever `then` is: a getter that throws, a function that throws, or that calls back twice. */
  private async adopt(run: RunningTask, result: unknown): Promise<void> {
    let value: unknown;
    try {
      value = await result;
    } catch (error) {
      return this.threw(run, error);
    }
    this.succeeded(run, value);
  }

  private succeeded(run: RunningTask, value: unknown): void {
    if (run.steps !== undefined && !this.isDone(run, run.steps, value)) return;
    try {
      if (this.host.isLoopLate) this.succeededAfterBlocking(run, value);
      else this.succeed(run, value);
    } catch (defect) {
      this.rescue(run, defect);
    }
  }

  /**
   * The broker may have given us up meanwhile, for want of heartbeats. Once the loop has heard of that, the
   * acknowledgement is known to be too late, and remembered: the task is not run, and does not block, again.
   */
  private succeededAfterBlocking(run: RunningTask, value: unknown): void {
    run.timer?.cancel();
    setImmediate(() => setImmediate(() => this.guarded(run, () => this.succeed(run, value))));
  }

  private succeed(run: RunningTask, value: unknown): void {
    if (this.decide(run, RunStep.decide)) this.finish(run, this.endings.succeed(run, value), true);
    else this.late(run);
  }

  /** False where its handler has returned, and the run is to end otherwise, or not yet. */
  private isDone(run: RunningTask, steps: StepJournal, value: unknown): boolean {
    if (this.waitsForSteps(run, () => this.succeeded(run, value))) return false;
    if (steps.verdict === undefined || !isOpen(run.phase)) return true;
    this.threw(run, undefined);
    return false;
  }

  /** A step that was begun is to be recorded, though nobody waits for it: as long as the run has time. */
  private waitsForSteps({ steps }: RunningTask, then: () => void): boolean {
    if (steps?.isBusy !== true) return false;
    void steps.settled().then(then);
    return true;
  }

  /** The one place in which it is decided that a run has ended. False for whoever comes second. */
  private decide(run: RunningTask, step: RunStep): boolean {
    if (!run.step(step)) return false;
    run.timer?.cancel();
    return true;
  }

  /** What hangs on every end. `undefined`: it is recorded, and settled, already. */
  private finish(run: RunningTask, recording: Promise<void> | undefined, ran: boolean): void {
    if (recording === undefined) this.leave(run, ran);
    else recording.then(() => this.leave(run, ran)).catch((defect: unknown) => this.rescue(run, defect));
  }

  private leave(run: RunningTask, ran: boolean): void {
    if (run.step(RunStep.leave)) this.host.left(run, ran);
  }

  private late(run: RunningTask): void {
    if (run.isWithdrawn) return;
    const afterSeconds = Math.round(clock.elapsed() - run.startedAt) / 1000;
    this.host.emit({ type: 'task.ended-late', task: run.identity(), afterSeconds });
  }

  private async buryRescued(run: RunningTask, defect: unknown): Promise<void> {
    if (run.phase === RunPhase.settled) return;
    const error = new DispatcherError('ERR_DISPATCHER_DEFECT', `The worker, not the handler, failed at the end of this task: ${errorText(defect)}`, {}, { cause: defect });
    try {
      await this.endings.bury(run, 'failed', error);
    } catch {
      run.requeue();
    }
  }

  private guarded(run: RunningTask, step: () => void): void {
    try {
      step();
    } catch (defect) {
      this.rescue(run, defect);
    }
  }

  private problem(message: string, error: unknown): void {
    this.host.emit({ type: 'worker.problem', worker: this.host.name, message, error });
  }
}

/** Whether it is one is for `await` to find out, which looks once: a getter may throw, or say something else the second time. */
function mayBeThenable(value: unknown): boolean {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}
