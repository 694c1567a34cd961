import { TaskTimeoutError } from '../errors.js';
import { Header } from '../task/headers.js';
import type { DeadReason, TaskIdentity } from '../events/dispatcher-event.js';
import { isA } from '../task/error-text.js';
import { BlockedLoop } from './blocked-loop.js';
import { cancelledError } from './cancelled-error.js';
import type { CancelReasonOf } from './gates/cancel-gate.js';
import type { Entrance } from './gates/task-gate.js';
import { GiveBack } from './give-back.js';
import type { Leases } from './lease/leases.js';
import type { TaskLimits } from './limits/task-limits.js';
import { outcomeOf } from './outcome.js';
import { Timer } from '../time/timer.js';
import type { RunContexts } from './run-contexts.js';
import { RunRescue } from './run-rescue.js';
import type { RunningTask, Surroundings } from './running-task.js';
import type { TaskEndings } from './task-endings.js';
import type { TaskLogger } from './task-context.js';
import type { WorkerControls } from './worker-controls.js';
import type { WorkerDependencies } from './worker.js';

/**
 * Runs what was admitted, and knows what runs: limits and gates, the handler and its time, how it ended. It knows
 * nothing of queues and slots; `onEnd` is called once for each run when its slot is free again, with the time that its
 * handler took if it was called.
 */
export class TaskRunner implements Surroundings {
  private readonly runs = new Set<RunningTask>();
  private readonly rescue: RunRescue;
  /** Started and stopped by the owner. */
  readonly blockedLoop: BlockedLoop;
  /** Started and stopped by the owner. Absent where no broker takes away what runs for long. */
  readonly leases: Leases | undefined;

  constructor(
    readonly name: string,
    private readonly dependencies: WorkerDependencies,
    private readonly endings: TaskEndings,
    private readonly onEnd: (durationMs?: number) => void,
    readonly controls: WorkerControls,
    private readonly contexts: RunContexts,
    leasesOf: (runs: Iterable<RunningTask>) => Leases | undefined,
  ) {
    this.rescue = new RunRescue(name, dependencies.emit, endings, (run) => this.runs.has(run), (run) => this.leave(run));
    this.blockedLoop = new BlockedLoop(this.runs, dependencies.emit);
    this.leases = leasesOf(this.runs);
  }

  loggerFor(taskName: string, uuid: string): TaskLogger {
    return this.dependencies.loggerFor(taskName, uuid);
  }

  /** Never throws, whatever a user's code does: it is the last that is called for a delivery. */
  start(run: RunningTask): void {
    this.runs.add(run);
    try {
      this.enter(run);
    } catch (defect) {
      this.rescue.end(run, defect);
    }
  }

  private enter(run: RunningTask): void {
    const { limits } = run.handler;
    // Who only looks whether it still runs elsewhere has nothing to tell.
    if (run.headers[Header.lease] === undefined) this.endings.received(run);
    if (limits !== undefined && !this.mayRun(run, limits)) return;
    const entering = this.endings.enter(run);
    if (entering === undefined) this.run(run);
    else this.afterGates(run, entering);
  }

  /** True when this very attempt runs here already, or its end is being recorded: the delivery came back meanwhile, and is settled with it. */
  joinRunning(run: RunningTask): boolean {
    for (const other of this.runs) {
      if (other.isSettled || !other.isAgain(run)) continue;
      other.join(run.delivery);
      return true;
    }
    return false;
  }

  /** Those that have not ended. */
  running(): TaskIdentity[] {
    return [...this.runs].filter(({ ended }) => !ended).map((run) => run.identity());
  }

  /** Asks every running handler to stop. */
  abort(reason: Error): void {
    for (const run of this.runs) run.abort(reason);
  }

  /** Asks those that were called off to stop. If they then end by throwing, they have ended as cancelled. */
  cancel(reasonOf: CancelReasonOf): void {
    for (const run of this.runs) {
      if (run.ended || run.cancelled !== undefined) continue;
      run.cancelled = reasonOf(run);
      if (run.cancelled !== undefined) run.abort(cancelledError(run, run.cancelled));
    }
  }

  /** Waits no longer for those that did not stop: their deliveries go back when the channel closes. Resolves when the gates know of it. */
  async abandon(): Promise<void> {
    const telling: Promise<void>[] = [];
    for (const run of this.runs) {
      if (!run.ended) {
        this.dependencies.emit({ type: 'task.abandoned', task: run.identity() });
        telling.push(this.endings.abandoned(run));
      }
      run.ended = true;
      run.timer?.cancel();
      run.reports?.abandon();
      run.release?.(true);
    }
    this.runs.clear();
    await Promise.all(telling);
  }

  /** Who must wait for others of its name gives its slot to whoever need not. */
  private mayRun(run: RunningTask, limits: TaskLimits): boolean {
    try {
      run.release = limits.enter(run.task.args.map(({ value }) => value));
      return true;
    } catch (error) {
      this.failed(run, error);
      return false;
    }
  }

  /** While the gates are asked it holds its slot, and its delivery is known, as if it ran. */
  private afterGates(run: RunningTask, entering: Promise<Entrance>): void {
    entering.then((entrance) => this.entered(run, entrance)).catch((defect: unknown) => this.rescue.end(run, defect));
  }

  private entered(run: RunningTask, entrance: Entrance): void {
    if (run.ended) return;
    if (run.isAborted) return this.failed(run, undefined);
    if (run.headers[Header.lease] !== undefined && (entrance.kind === 'run' || entrance.kind === 'cancel')) this.endings.received(run);
    switch (entrance.kind) {
      case 'run': return this.run(entrance.args === undefined ? run : run.withArguments(entrance.args));
      case 'wait': return this.giveBack(run, new GiveBack(entrance.delayMs / 1000, entrance.reason, entrance.headers));
      case 'drop': return this.leaveUnrun(run, this.endings.drop(run, entrance.reason));
      case 'cancel': return this.leaveUnrun(run, this.endings.cancel(run, entrance.reason));
      case 'bury': return this.leaveUnrun(run, this.endings.bury(run, entrance.reason, entrance.error));
    }
  }

  private run(run: RunningTask): void {
    run.isStarted = true;
    this.endings.started(run);
    if (run.handler.timeoutSeconds) this.limitTime(run, run.handler.timeoutSeconds);
    let result: unknown;
    try {
      result = this.contexts.run(invoke, run);
    } catch (error) {
      this.failed(run, error);
      return;
    } finally {
      this.blockedLoop.letGo(run);
    }
    if (mayBeThenable(result)) void this.adopt(run, result);
    else this.succeeded(run, result);
  }

  /** As `await` does it, whatever `then` is: a getter that throws, a function that throws, or that calls back twice. */
  private async adopt(run: RunningTask, result: unknown): Promise<void> {
    let value: unknown;
    try {
      value = await result;
    } catch (error) {
      return this.failed(run, error);
    }
    this.succeeded(run, value);
  }

  private limitTime(run: RunningTask, seconds: number): void {
    if (!run.handler.startsItself) return this.armTimeout(run, seconds);
    run.started = () => {
      if (run.timer === undefined && !run.ended && this.runs.has(run)) this.armTimeout(run, seconds);
    };
  }

  private armTimeout(run: RunningTask, seconds: number): void {
    run.timer = new Timer(seconds * 1000, () => {
      const error = new TaskTimeoutError(
        `Task "${run.name}" (${run.uuid}) ran longer than its ${seconds} s (timeoutSeconds). `
        + 'Raise the limit, or stop the work when context.signal is aborted.',
        { task: run.name, uuid: run.uuid, timeoutSeconds: seconds });
      this.guarded(run, () => {
        run.ended = true;
        run.abort(error);
        this.dependencies.emit({ type: 'task.timed-out', task: run.identity(), error });
        this.endFailed(run, 'timed-out', error);
      });
    });
  }

  private succeeded(run: RunningTask, value: unknown): void {
    try {
      if (run.ended) this.endedLate(run);
      else if (this.blockedLoop.isLate) this.succeededAfterBlocking(run, value);
      else this.succeed(run, value);
    } catch (defect) {
      this.rescue.end(run, defect);
    }
  }

  private succeed(run: RunningTask, value: unknown): void {
    const keeping = this.endings.succeed(run, value);
    if (keeping === undefined) return this.leave(run);
    run.timer?.cancel();
    this.after(run, keeping, () => this.leave(run));
  }

  /**
   * The broker may have given us up meanwhile, for want of heartbeats. Once the loop has heard of that, the
   * acknowledgement is known to be too late, and remembered: the task is not run, and does not block, again.
   */
  private succeededAfterBlocking(run: RunningTask, value: unknown): void {
    run.timer?.cancel();
    setImmediate(() => setImmediate(() => this.guarded(run, () => {
      if (run.ended) return this.endedLate(run);
      this.succeed(run, value);
    })));
  }

  private failed(run: RunningTask, error: unknown): void {
    this.guarded(run, () => {
      if (run.ended) return this.endedLate(run);
      if (run.isAborted && run.cancelled === undefined) return this.after(run, this.endings.requeue(run), () => this.leave(run));
      run.timer?.cancel();
      if (isA(error, GiveBack) && run.cancelled === undefined) return this.giveBack(run, error);
      this.endFailed(run, 'failed', error);
    });
  }

  private giveBack(run: RunningTask, { seconds, reason, headers }: GiveBack): void {
    this.leaveUnrun(run, this.endings.giveBack(run, seconds * 1000, reason, headers));
  }

  /** It has not run: its short time here says nothing of how long tasks take. */
  private leaveUnrun(run: RunningTask, recording: Promise<void>): void {
    this.after(run, recording, () => this.free(run, false));
  }

  private endFailed(run: RunningTask, reason: DeadReason, thrown: unknown): void {
    const outcome = outcomeOf(thrown, run.attempt, run.retry, Math.random());
    if (outcome.kind === 'succeed') return this.succeedEarly(run, outcome.value);
    if (run.cancelled !== undefined) return this.after(run, this.endings.cancel(run, run.cancelled), () => this.leave(run));
    if (reason === 'failed') this.dependencies.emit({ type: 'task.failed', task: run.identity(), error: outcome.error });
    const recording = outcome.kind === 'retry' ? this.endings.retry(run, outcome) : this.endings.bury(run, outcome.reason ?? reason, outcome.error);
    this.after(run, recording, () => this.leave(run));
  }

  /** The value is the result, as if it had been returned. */
  private succeedEarly(run: RunningTask, value: unknown): void {
    if (mayBeThenable(value)) void this.adopt(run, value);
    else this.succeed(run, value);
  }

  private endedLate(run: RunningTask): void {
    const afterSeconds = Math.round(performance.now() - run.startedAt) / 1000;
    this.dependencies.emit({ type: 'task.ended-late', task: run.identity(), afterSeconds });
  }

  private after(run: RunningTask, recording: Promise<void>, next: () => void): void {
    recording.then(next).catch((defect: unknown) => this.rescue.end(run, defect));
  }

  private guarded(run: RunningTask, step: () => void): void {
    try {
      step();
    } catch (defect) {
      this.rescue.end(run, defect);
    }
  }

  /** The handler has ended, or is no longer waited for. */
  private leave(run: RunningTask): void {
    run.timer?.cancel();
    this.free(run, true);
  }

  private free(run: RunningTask, ran: boolean): void {
    this.runs.delete(run);
    if (run.takenOver) this.leases?.count();
    try {
      run.release?.(ran);
    } finally {
      this.onEnd(ran ? performance.now() - run.startedAt : undefined);
    }
  }
}

function invoke(run: RunningTask): unknown {
  const values: unknown[] = run.handler.taskUuidAsFirstArg ? [run.uuid] : [];
  for (const { value } of run.task.args) values.push(value);
  return run.handler.run(values, run.context);
}

/** Whether it is one is for `await` to find out, which looks once: a getter may throw, or say something else the second time. */
function mayBeThenable(value: unknown): boolean {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}
