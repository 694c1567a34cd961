import type { Delivery } from '../brokers/broker.js';
import { TaskTimeoutError, TaskTooLargeError, UnknownTaskError } from '../errors.js';
import type { DeadReason, TaskIdentity } from '../events/dispatcher-event.js';
import { countHeader, Header } from '../task/headers.js';
import type { Task } from '../task/task.js';
import { reasonOf } from './dead-letter.js';
import { FinishedTasks } from './finished-tasks.js';
import { returnPauseMs } from './return-pause.js';
import { RunningTask, type Surroundings } from './running-task.js';
import type { Settler } from './settler.js';
import { taskStorage, type TaskLogger } from './task-context.js';
import type { WorkerConfig } from './worker-config.js';
import type { WorkerDependencies } from './worker.js';

const DEFAULT_GRACE_SECONDS = 60;
/** A handler that keeps the event loop for so long is named in the log. */
export const BLOCKED_LOOP_MS = 1_000;

/**
 * Takes one delivery through its life here: decoded, run, settled. It knows nothing of queues and
 * slots; `onEnd` is called once for each delivery when its slot is free again, with the time that
 * its handler took if there was one.
 */
export class TaskRunner implements Surroundings {
  readonly name: string;
  private readonly runs = new Set<RunningTask>();
  private readonly finished = new FinishedTasks();

  constructor(
    private readonly config: WorkerConfig,
    private readonly dependencies: WorkerDependencies,
    private readonly settler: Settler,
    private readonly onEnd: (durationMs?: number) => void,
  ) {
    this.name = config.name;
  }

  loggerFor(taskName: string, uuid: string): TaskLogger {
    return this.dependencies.loggerFor(taskName, uuid);
  }

  take(delivery: Delivery): void {
    let task: Task;
    try {
      task = this.decode(delivery);
    } catch (error) {
      this.bury(delivery, { uuid: delivery.properties.messageId ?? '', name: '' }, reasonOf(error), error);
      return;
    }
    const handler = this.dependencies.handlers.get(task.name);
    if (handler === undefined) return this.passOn(delivery, task);
    const run = new RunningTask(this, delivery, task, handler);
    if (delivery.redelivered && this.isKnown(run)) return this.onEnd();
    this.run(run);
  }

  /** Asks every running handler to stop. */
  abort(reason: Error): void {
    for (const run of this.runs) run.abort(reason);
  }

  /** Waits no longer for those that did not stop: their deliveries go back when the channel closes. */
  abandon(): void {
    for (const run of this.runs) {
      if (!run.ended) this.dependencies.emit({ type: 'task.abandoned', task: run.identity() });
      run.ended = true;
      clearTimeout(run.timer);
    }
    this.runs.clear();
  }

  /** The event loop stood still while these were running: one of them is the likely cause. */
  reportBlocked(milliseconds: number): void {
    for (const run of this.runs) this.emitBlocked(run, milliseconds);
  }

  private decode(delivery: Delivery): Task {
    const { maxTaskBytes, format } = this.dependencies;
    const bytes = delivery.body.length;
    if (bytes > maxTaskBytes) {
      throw new TaskTooLargeError(`The body has ${bytes} bytes; at most ${maxTaskBytes} are taken (maxTaskBytes).`, { bytes, maxTaskBytes });
    }
    return format.decode(delivery);
  }

  /** Delivered again after a lost connection, while its first delivery has ended here or still runs. */
  private isKnown(run: RunningTask): boolean {
    if (this.finished.take(run.uuid, run.attempt)) {
      this.acknowledge(run);
      return true;
    }
    for (const other of this.runs) {
      if (other.uuid !== run.uuid || other.attempt !== run.attempt || other.ended) continue;
      other.duplicate = run.delivery;
      return true;
    }
    return false;
  }

  private run(run: RunningTask): void {
    this.runs.add(run);
    if (run.handler.timeoutSeconds) this.armTimeout(run, run.handler.timeoutSeconds);
    let result: unknown;
    try {
      result = taskStorage.run(run, invoke, run);
    } catch (error) {
      this.failed(run, error);
      return;
    } finally {
      this.noteTimeInLoop(run);
    }
    if (isThenable(result)) result.then(() => this.succeeded(run), (error: unknown) => this.failed(run, error));
    else this.succeeded(run);
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
      this.bury(run.delivery, run, 'timed-out', error, run);
    }, seconds * 1000);
  }

  private succeeded(run: RunningTask): void {
    if (run.ended) return this.endedLate(run);
    this.acknowledge(run);
    this.leave(run);
  }

  private failed(run: RunningTask, error: unknown): void {
    if (run.ended) return this.endedLate(run);
    if (run.isAborted) {
      // Stopped by us for a shutdown: not the task's failure. Another worker starts it afresh.
      run.delivery.requeue();
      run.duplicate?.requeue();
      this.leave(run);
      return;
    }
    this.dependencies.emit({ type: 'task.failed', task: run.identity(), error });
    this.bury(run.delivery, run, 'failed', error, run);
  }

  private endedLate(run: RunningTask): void {
    const afterSeconds = Math.round(performance.now() - run.startedAt) / 1000;
    this.dependencies.emit({ type: 'task.ended-late', task: run.identity(), afterSeconds });
  }

  private acknowledge(run: RunningTask): void {
    if (!run.ack()) this.finished.add(run.uuid, run.attempt);
  }

  /** The handler has ended, or is no longer waited for. */
  private leave(run: RunningTask): void {
    clearTimeout(run.timer);
    this.runs.delete(run);
    this.onEnd(performance.now() - run.startedAt);
  }

  // Ends other than success are recorded elsewhere first and acknowledged then.

  private bury(delivery: Delivery, task: { uuid: string; name: string }, reason: DeadReason, error: unknown, run?: RunningTask): void {
    clearTimeout(run?.timer);
    const attempt = run?.attempt ?? Math.max(1, countHeader(delivery.properties.headers, Header.attempt, 1));
    const death = { reason, error, attempt, worker: this.name, at: new Date() };
    this.settle(delivery, run, this.settler.deadLetter(delivery, death), () => {
      this.dependencies.emit({ type: 'task.dead-lettered', task: this.identityOf(delivery, task, attempt), reason, error });
    });
  }

  /** No handler of this name is here. Another worker of the queue may have one: a Go service, or a newer version of ours. */
  private passOn(delivery: Delivery, task: Task): void {
    const returns = countHeader(delivery.properties.headers, Header.returns, 0);
    const graceSeconds = this.config.unknownTaskGraceSeconds ?? DEFAULT_GRACE_SECONDS;
    const pauseMs = returnPauseMs(returns, graceSeconds);
    if (pauseMs === undefined) {
      this.bury(delivery, task, 'unknown-task', this.unknownTask(task.name, delivery.queue, graceSeconds));
      return;
    }
    this.settle(delivery, undefined, this.settler.giveBack(delivery, returns + 1, pauseMs), () => {
      this.dependencies.emit({ type: 'task.returned', task: this.identityOf(delivery, task, 1), pauseMs });
    });
  }

  private unknownTask(name: string, queue: string, graceSeconds: number): UnknownTaskError {
    const known = [...this.dependencies.handlers.keys()];
    return new UnknownTaskError(
      `No worker of the queue "${queue}" took the task "${name}" within ${graceSeconds} s (unknownTaskGraceSeconds). `
      + `Worker "${this.name}" knows: ${known.slice(0, 20).join(', ') || 'no task'}. `
      + `Deploy a worker with @Task('${name}'), or correct the name.`, { task: name, known });
  }

  private settle(delivery: Delivery, run: RunningTask | undefined, recording: Promise<boolean>, onRecorded: () => void): void {
    void recording.then((recorded) => {
      if (recorded && run !== undefined) this.acknowledge(run);
      else if (recorded) delivery.ack();
      if (recorded) onRecorded();
      if (run === undefined) this.onEnd();
      else this.leave(run);
    });
  }

  private identityOf(delivery: Delivery, { uuid, name }: { uuid: string; name: string }, attempt: number): TaskIdentity {
    return { uuid, name, attempt, queue: delivery.queue, worker: this.name };
  }

  private noteTimeInLoop(run: RunningTask): void {
    const milliseconds = performance.now() - run.startedAt;
    if (milliseconds >= BLOCKED_LOOP_MS) this.emitBlocked(run, milliseconds);
  }

  private emitBlocked(run: RunningTask, milliseconds: number): void {
    this.dependencies.emit({ type: 'task.blocked-loop', task: run.identity(), seconds: Math.round(milliseconds / 100) / 10 });
  }
}

function invoke(run: RunningTask): unknown {
  const values: unknown[] = run.handler.taskUuidAsFirstArg ? [run.uuid] : [];
  for (const { value } of run.task.args) values.push(value);
  return run.handler.run(values, run);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as PromiseLike<unknown>).then === 'function';
}
