import type { Delivery } from '../brokers/broker.js';
import { TaskTimeoutError, TaskTooLargeError } from '../errors.js';
import type { DeadReason } from '../events/dispatcher-event.js';
import { Header } from '../task/headers.js';
import type { Task } from '../task/task.js';
import { reasonOf } from './dead-letter.js';
import { LoopWatch } from './loop-watch.js';
import type { CancelReasonOf } from './gates/cancel-gate.js';
import type { Entrance } from './gates/task-gate.js';
import { GiveBack } from './give-back.js';
import type { TaskLimits } from './limits/task-limits.js';
import { outcomeOf } from './outcome.js';
import { RunningTask, type Surroundings } from './running-task.js';
import { cancelledError, type TaskEndings } from './task-endings.js';
import { taskStorage, type TaskLogger } from './task-context.js';
import type { WorkerControls } from './worker-controls.js';
import type { WorkerDependencies } from './worker.js';

/** A handler that keeps the event loop for so long is named in the log. */
const BLOCKED_LOOP_MS = 1_000;
/** The loop's watch speaks right after the loop goes on; if the culprit was named just now, it is the same story. */
const SAME_STORY_MS = 500;

/**
 * Takes one delivery through its life here: decoded, run, ended. It knows nothing of queues and
 * slots; `onEnd` is called once for each delivery when its slot is free again, with the time that
 * its handler took if there was one.
 */
export class TaskRunner implements Surroundings {
  /** Started and stopped by the owner. */
  readonly loopWatch = new LoopWatch(BLOCKED_LOOP_MS, (ms) => this.reportBlocked(ms));
  private readonly runs = new Set<RunningTask>();
  private namedAt = -Infinity;

  constructor(
    readonly name: string,
    private readonly dependencies: WorkerDependencies,
    private readonly endings: TaskEndings,
    private readonly onEnd: (durationMs?: number) => void,
    readonly controls: WorkerControls,
  ) {}

  loggerFor(taskName: string, uuid: string): TaskLogger {
    return this.dependencies.loggerFor(taskName, uuid);
  }

  take(delivery: Delivery): void {
    let task: Task;
    try {
      task = this.decode(delivery);
    } catch (error) {
      const known = { uuid: delivery.properties.messageId ?? '', name: '' };
      return this.endUnrun(this.endings.buryUnrun(delivery, known, reasonOf(error), error));
    }
    const expiresAt = expiryOf(delivery);
    const handler = this.dependencies.handlers.get(task.name);
    if (handler === undefined) {
      if (expiresAt !== undefined) return this.expire(delivery, task, expiresAt);
      this.controls.share();
      return this.endUnrun(this.isPaused(task) ? this.endings.putOff(delivery, task) : this.endings.passOn(delivery, task));
    }
    const run = new RunningTask(this, delivery, task, handler);
    if (delivery.redelivered && this.isKnown(run)) return this.onEnd();
    if (expiresAt !== undefined) return this.expire(delivery, task, expiresAt);
    if (this.isPaused(task)) return this.endUnrun(this.endings.putOff(delivery, task));
    if (delivery.redelivered && this.isCounted(run)) return;
    this.endings.received(run);
    if (handler.limits !== undefined && !this.mayRun(run, handler.limits)) return;
    const entering = this.endings.enter(run);
    if (entering === undefined) this.run(run);
    else this.afterGates(run, entering);
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

  /** Waits no longer for those that did not stop: their deliveries go back when the channel closes. */
  abandon(): void {
    for (const run of this.runs) {
      if (!run.ended) {
        this.dependencies.emit({ type: 'task.abandoned', task: run.identity() });
        this.endings.abandoned(run);
      }
      run.ended = true;
      clearTimeout(run.timer);
      run.reports?.abandon();
      run.release?.(true);
    }
    this.runs.clear();
  }

  /** The event loop stood still while these were running: one of them is the likely cause. */
  private reportBlocked(milliseconds: number): void {
    if (performance.now() - this.namedAt < SAME_STORY_MS) return;
    for (const run of this.runs) this.emitBlocked(run, milliseconds);
  }

  private isPaused({ name }: Task): boolean {
    return this.dependencies.isTaskPaused?.(name) === true;
  }

  private decode(delivery: Delivery): Task {
    const { maxTaskBytes, format } = this.dependencies;
    const bytes = delivery.body.length;
    if (bytes > maxTaskBytes) {
      throw new TaskTooLargeError(`The body has ${bytes} bytes; at most ${maxTaskBytes} are taken (maxTaskBytes).`, { bytes, maxTaskBytes });
    }
    return format.decode(delivery);
  }

  /** A delivery that came back: this very attempt has ended here before, or still runs here. */
  private isKnown(run: RunningTask): boolean {
    return this.endings.acknowledgeIfFinished(run) || this.isRunning(run);
  }

  /** A delivery that came back is counted before it may run. */
  private isCounted(run: RunningTask): boolean {
    const counting = this.endings.cameBack(run.delivery, run.task);
    if (counting !== undefined) this.endUnrun(counting);
    return counting !== undefined;
  }

  private expire(delivery: Delivery, task: Task, expiresAt: number): void {
    const recording = this.endings.expire(delivery, task, expiresAt);
    if (recording === undefined) this.onEnd();
    else this.endUnrun(recording);
  }

  private isRunning(run: RunningTask): boolean {
    for (const other of this.runs) {
      if (other.uuid !== run.uuid || other.attempt !== run.attempt || other.ended) continue;
      other.duplicate = run.delivery;
      return true;
    }
    return false;
  }

  /** Who must wait for others of its name gives its slot to whoever need not. */
  private mayRun(run: RunningTask, limits: TaskLimits): boolean {
    try {
      run.release = limits.enter(run.task.args.map(({ value }) => value));
      return true;
    } catch (error) {
      this.runs.add(run);
      this.failed(run, error);
      return false;
    }
  }

  /** While the gates are asked it holds its slot, and its delivery is known, as if it ran. */
  private afterGates(run: RunningTask, entering: Promise<Entrance>): void {
    this.runs.add(run);
    void entering.then((entrance) => {
      if (run.ended) return;
      if (run.isAborted) return this.failed(run, undefined);
      switch (entrance.kind) {
        case 'run': return this.run(entrance.args === undefined ? run : run.withArguments(entrance.args));
        case 'wait': return this.giveBack(run, new GiveBack(entrance.delayMs / 1000, entrance.reason));
        case 'drop': return this.leaveUnrun(run, this.endings.drop(run, entrance.reason));
        case 'cancel': return this.leaveUnrun(run, this.endings.cancel(run, entrance.reason));
      }
    });
  }

  private run(run: RunningTask): void {
    this.runs.add(run);
    this.endings.started(run);
    if (run.handler.timeoutSeconds) this.limitTime(run, run.handler.timeoutSeconds);
    let result: unknown;
    try {
      result = taskStorage.run(run, invoke, run);
    } catch (error) {
      this.failed(run, error);
      return;
    } finally {
      this.noteTimeInLoop(run);
    }
    if (isThenable(result)) result.then((value) => this.succeeded(run, value), (error: unknown) => this.failed(run, error));
    else this.succeeded(run, result);
  }

  private limitTime(run: RunningTask, seconds: number): void {
    if (!run.handler.startsItself) return this.armTimeout(run, seconds);
    run.started = () => {
      if (run.timer === undefined && !run.ended && this.runs.has(run)) this.armTimeout(run, seconds);
    };
  }

  private armTimeout(run: RunningTask, seconds: number): void {
    run.timer = setTimeout(() => {
      const error = new TaskTimeoutError(
        `Task "${run.name}" (${run.uuid}) ran longer than its ${seconds} s (timeoutSeconds). `
        + 'Raise the limit, or stop the work when context.signal is aborted.',
        { task: run.name, uuid: run.uuid, timeoutSeconds: seconds });
      run.ended = true;
      run.abort(error);
      this.dependencies.emit({ type: 'task.timed-out', task: run.identity(), error });
      this.endFailed(run, 'timed-out', error);
    }, seconds * 1000);
  }

  private succeeded(run: RunningTask, value: unknown): void {
    if (run.ended) return this.endedLate(run);
    if (this.loopWatch.isLate) return this.succeededAfterBlocking(run, value);
    this.succeed(run, value);
  }

  private succeed(run: RunningTask, value: unknown): void {
    const keeping = this.endings.succeed(run, value);
    if (keeping === undefined) return this.leave(run);
    clearTimeout(run.timer);
    this.after(keeping, () => this.leave(run));
  }

  /**
   * The broker may have given us up meanwhile, for want of heartbeats. Once the loop has heard of that, the
   * acknowledgement is known to be too late, and remembered: the task is not run, and does not block, again.
   */
  private succeededAfterBlocking(run: RunningTask, value: unknown): void {
    clearTimeout(run.timer);
    setImmediate(() => setImmediate(() => {
      if (run.ended) return this.endedLate(run);
      this.succeed(run, value);
    }));
  }

  private failed(run: RunningTask, error: unknown): void {
    if (run.ended) return this.endedLate(run);
    if (run.isAborted && run.cancelled === undefined) {
      this.after(this.endings.putBack(run), () => this.leave(run));
      return;
    }
    clearTimeout(run.timer);
    if (error instanceof GiveBack && run.cancelled === undefined) return this.giveBack(run, error);
    this.endFailed(run, 'failed', error);
  }

  private giveBack(run: RunningTask, { seconds, reason }: GiveBack): void {
    this.leaveUnrun(run, this.endings.giveBack(run, seconds * 1000, reason));
  }

  /** It has not run: its short time here says nothing of how long tasks take. */
  private leaveUnrun(run: RunningTask, recording: Promise<void>): void {
    this.after(recording, () => {
      this.runs.delete(run);
      run.release?.(false);
      this.onEnd();
    });
  }

  private endFailed(run: RunningTask, reason: DeadReason, thrown: unknown): void {
    const outcome = outcomeOf(thrown, run.attempt, run.retry, Math.random());
    if (outcome.kind === 'succeed') return this.succeed(run, outcome.value);
    if (run.cancelled !== undefined) return this.after(this.endings.cancel(run, run.cancelled), () => this.leave(run));
    if (reason === 'failed') this.dependencies.emit({ type: 'task.failed', task: run.identity(), error: outcome.error });
    const recording = outcome.kind === 'retry' ? this.endings.retry(run, outcome) : this.endings.bury(run, reason, outcome.error);
    this.after(recording, () => this.leave(run));
  }

  private endedLate(run: RunningTask): void {
    const afterSeconds = Math.round(performance.now() - run.startedAt) / 1000;
    this.dependencies.emit({ type: 'task.ended-late', task: run.identity(), afterSeconds });
  }

  private endUnrun(recording: Promise<void>): void {
    this.after(recording, () => this.onEnd());
  }

  /** A defect in the recording must cost neither the slot nor the process; the delivery stays with the broker. */
  private after(recording: Promise<void>, next: () => void): void {
    recording.then(next, (error: unknown) => {
      this.dependencies.emit({ type: 'worker.problem', worker: this.name, message: 'The end of a task could not be recorded; it will be delivered again.', error });
      next();
    });
  }

  /** The handler has ended, or is no longer waited for. */
  private leave(run: RunningTask): void {
    clearTimeout(run.timer);
    this.runs.delete(run);
    run.release?.(true);
    this.onEnd(performance.now() - run.startedAt);
  }

  private noteTimeInLoop(run: RunningTask): void {
    const milliseconds = performance.now() - run.startedAt;
    if (milliseconds < BLOCKED_LOOP_MS) return;
    this.namedAt = performance.now();
    this.emitBlocked(run, milliseconds);
  }

  private emitBlocked(run: RunningTask, milliseconds: number): void {
    this.dependencies.emit({ type: 'task.blocked-loop', task: run.identity(), seconds: Math.round(milliseconds / 100) / 10 });
  }
}

/** When the task expired, if it has. A header can hold anything: what is no time expires nothing. */
function expiryOf({ properties }: Delivery): number | undefined {
  const expiresAt = properties.headers?.[Header.expires];
  return typeof expiresAt === 'number' && expiresAt <= Date.now() ? expiresAt : undefined;
}

function invoke(run: RunningTask): unknown {
  const values: unknown[] = run.handler.taskUuidAsFirstArg ? [run.uuid] : [];
  for (const { value } of run.task.args) values.push(value);
  return run.handler.run(values, run);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as PromiseLike<unknown>).then === 'function';
}
