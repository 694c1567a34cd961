import type { DeadReason } from '../events/dispatcher-event.js';
import { Header } from '../task/headers.js';
import type { TaskHeaders } from '../task/task.js';
import { historyWith } from './attempt-history.js';
import { cancelledError } from './cancelled-error.js';
import { FinishedTasks } from './finished-tasks.js';
import type { Entrance, TaskEnd } from './gates/task-gate.js';
import type { TaskGates } from './gates/task-gates.js';
import type { Outcome } from './outcome.js';
import type { ResultKeeper } from './result-keeper.js';
import type { RunningTask } from './running-task.js';
import type { Settler } from './settler.js';
import { unwritableError } from './unwritable-error.js';
import type { WorkerConfig } from './worker-config.js';
import type { WorkerDependencies } from './worker.js';

/**
 * The ways in which a run can end here. Each is recorded where it has to be, with confirm, and
 * only then acknowledged: whatever dies in between, the broker still has the delivery.
 */
export class TaskEndings {
  private readonly finished = new FinishedTasks();

  constructor(
    private readonly config: WorkerConfig,
    private readonly dependencies: WorkerDependencies,
    private readonly settler: Settler,
    private readonly keeper: ResultKeeper | undefined,
    private readonly gates: TaskGates | undefined,
  ) {}

  /** `undefined`: no gate has to do with it, and it may run at once. */
  enter(run: RunningTask): Promise<Entrance> | undefined {
    if (this.gates?.concern(run) !== true) return undefined;
    run.gated = true;
    return this.gates.enter(run);
  }

  /** It is to run here; a gate, or a limit, may still have it wait. */
  received(run: RunningTask): void {
    this.keeper?.received(run);
  }

  started(run: RunningTask): void {
    this.keeper?.started(run);
    if (this.dependencies.taskFlow?.observed === true) this.dependencies.taskFlow.next({ type: 'task.started', task: run.identity() });
  }

  /** Done at once where no result is asked for; otherwise once it is kept. */
  succeed(run: RunningTask, value: unknown): Promise<void> | undefined {
    if (run.gated || run.reports !== undefined) return this.succeedKept(run, value);
    this.acknowledgeSuccess(run);
    return undefined;
  }

  /** The last step of every end. */
  acknowledge(run: RunningTask): void {
    if (!run.ack()) this.finished.add(run.uuid, run.attempt);
  }

  /** True, and acknowledged, when this very attempt has ended here and only its acknowledgement was lost. */
  acknowledgeIfFinished(run: RunningTask): boolean {
    if (!this.finished.take(run.uuid, run.attempt)) return false;
    this.acknowledge(run);
    return true;
  }

  /** The next attempt waits in the queue. */
  async retry(run: RunningTask, { attempt, delayMs, error }: Extract<Outcome, { kind: 'retry' }>): Promise<void> {
    const changes = { [Header.attempt]: attempt, [Header.history]: this.historyOf(run, error), [Header.redeliveries]: 0 };
    this.keeper?.retrying(run, error, delayMs);
    if (!await this.sentAgain(run, changes, delayMs, error)) return;
    if (run.gated && !await this.leave(run, { kind: 'retrying', attempt, delayMs, error })) return;
    this.acknowledge(run);
    this.dependencies.emit({ type: 'task.retrying', task: run.identity(), error, delayMs });
  }

  /** It waits in its queue again, as if it had not been taken. */
  async giveBack(run: RunningTask, delayMs: number, reason: string, headers: TaskHeaders = {}): Promise<void> {
    const pauseMs = Math.round(delayMs);
    if (!await this.sentAgain(run, headers, pauseMs)) return;
    if (run.gated && !await this.leave(run, { kind: 'returned' })) return;
    this.acknowledge(run);
    this.dependencies.emit({ type: 'task.returned', task: run.identity(), pauseMs, reason });
  }

  /** No attempt is left: it becomes a dead letter. */
  async bury(run: RunningTask, reason: DeadReason, error: unknown): Promise<void> {
    await run.end();
    if (!await this.settler.deadLetter(run.delivery, { reason, error, attempt: run.attempt, worker: this.config.name, at: new Date() })) return;
    if (await this.keeper?.failed(run, reason === 'timed-out' ? 'timedOut' : 'failed', error) === false) return;
    if (run.gated && !await this.leave(run, { kind: 'failed', reason, error })) return;
    this.acknowledge(run);
    this.dependencies.emit({ type: 'task.dead-lettered', task: run.identity(), reason, error });
  }

  /** Called off: it does not run, or not any more. */
  async cancel(run: RunningTask, reason: string): Promise<void> {
    await run.end();
    if (await this.keeper?.cancelled(run, cancelledError(run, reason)) === false) return;
    if (run.gated && !await this.leave(run, { kind: 'cancelled', reason })) return;
    this.acknowledge(run);
    this.dependencies.emit({ type: 'task.cancelled', task: run.identity(), reason });
  }

  /** One delivery too many of a task that is, or was, run elsewhere. */
  async drop(run: RunningTask, reason: string): Promise<void> {
    if (!await this.leave(run, { kind: 'dropped' })) return;
    this.acknowledge(run);
    this.dependencies.emit({ type: 'task.dropped', task: run.identity(), reason });
  }

  /** Stopped by us for a shutdown, not by its own failure: another worker starts it afresh. */
  async requeue(run: RunningTask): Promise<void> {
    await run.end();
    run.reports?.abandon();
    await this.letGo(run);
    run.requeue();
  }

  /** Not waited for: others who take it next need not wait for what it holds, if that can still be said. */
  abandoned(run: RunningTask): Promise<void> {
    return this.letGo(run);
  }

  /** What was taken over comes back by a copy; where that cannot be published now, by the one that stands for it. */
  private async letGo(run: RunningTask): Promise<void> {
    if (!run.gated) return;
    await this.leave(run, { kind: 'returned' });
    if (run.leaseHeaders !== undefined) await this.settler.copy(run.delivery, run.leaseHeaders, 0).catch(() => undefined);
  }

  /** False where nothing is left to do: the worker was stopped; or the task can never be written again, and is a dead letter. */
  private async sentAgain(run: RunningTask, changes: TaskHeaders, delayMs: number, failure?: unknown): Promise<boolean> {
    await run.end();
    try {
      return await this.settler.sendAgain(run.delivery, { ...run.leaseHeaders, ...changes }, delayMs);
    } catch (error) {
      await this.bury(run, 'failed', unwritableError(run, error, failure));
      return false;
    }
  }

  private async succeedKept(run: RunningTask, value: unknown): Promise<void> {
    await run.end();
    if (await this.keeper?.succeeded(run, value) === false) return;
    if (run.gated && !await this.leave(run, { kind: 'succeeded', value })) return;
    this.acknowledgeSuccess(run);
  }

  private acknowledgeSuccess(run: RunningTask): void {
    this.acknowledge(run);
    const { taskFlow } = this.dependencies;
    if (taskFlow?.observed === true) taskFlow.next({ type: 'task.succeeded', task: run.identity(), durationMs: performance.now() - run.startedAt });
  }

  private async leave(run: RunningTask, end: TaskEnd): Promise<boolean> {
    await run.end();
    return this.gates === undefined || this.gates.leave(run, end);
  }

  private historyOf(run: RunningTask, error: unknown): string {
    return historyWith(run.delivery.properties.headers,
      { attempt: run.attempt, at: new Date().toISOString(), worker: this.config.name, error });
  }
}
