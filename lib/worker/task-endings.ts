import type { Delivery } from '../brokers/broker.js';
import { DispatcherError, TaskCancelledError, UnknownTaskError } from '../errors.js';
import type { DeadReason, TaskIdentity } from '../events/dispatcher-event.js';
import { countHeader, Header } from '../task/headers.js';
import type { Task } from '../task/task.js';
import { historyWith } from './attempt-history.js';
import { FinishedTasks } from './finished-tasks.js';
import type { Entrance, TaskEnd } from './gates/task-gate.js';
import type { TaskGates } from './gates/task-gates.js';
import { unrunVisit } from './gates/unrun-visit.js';
import type { Outcome } from './outcome.js';
import type { ResultKeeper } from './result-keeper.js';
import { returnPauseMs } from './return-pause.js';
import type { RunningTask } from './running-task.js';
import type { Settler } from './settler.js';
import type { WorkerConfig } from './worker-config.js';
import type { WorkerDependencies } from './worker.js';

const DEFAULT_GRACE_SECONDS = 60;
const DEFAULT_MAX_REDELIVERIES = 10;
const FIRST_PUT_OFF_MS = 1_000;
const LONGEST_PUT_OFF_MS = 30_000;
/** Redeliveries within this time are one. */
const COUNT_EVERY_MS = 5_000;

/**
 * The ways in which a delivery can end here. Each is recorded where it has to be, with confirm, and
 * only then acknowledged: whatever dies in between, the broker still has the delivery.
 */
export class TaskEndings {
  private readonly finished = new FinishedTasks();
  private readonly maxRedeliveries: number;

  constructor(
    private readonly config: WorkerConfig,
    private readonly dependencies: WorkerDependencies,
    private readonly settler: Settler,
    private readonly keeper: ResultKeeper | undefined,
    private readonly gates: TaskGates | undefined,
  ) {
    this.maxRedeliveries = config.maxRedeliveries ?? DEFAULT_MAX_REDELIVERIES;
  }

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
  }

  /** Done at once where no result is asked for; otherwise once it is kept. */
  succeed(run: RunningTask, value: unknown): Promise<void> | undefined {
    if (run.gated || run.reports !== undefined) return this.succeedKept(run, value);
    this.acknowledge(run);
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
    if (!await this.settler.sendAgain(run.delivery, changes, delayMs)) return;
    if (run.gated && !await this.leave(run, { kind: 'retrying', attempt, delayMs, error })) return;
    this.acknowledge(run);
    this.dependencies.emit({ type: 'task.retrying', task: run.identity(), error, delayMs });
  }

  /** It waits in its queue again, as if it had not been taken. */
  async giveBack(run: RunningTask, delayMs: number, reason: string): Promise<void> {
    const pauseMs = Math.round(delayMs);
    if (!await this.settler.sendAgain(run.delivery, {}, pauseMs)) return;
    if (run.gated && !await this.leave(run, { kind: 'returned' })) return;
    this.acknowledge(run);
    this.dependencies.emit({ type: 'task.returned', task: run.identity(), pauseMs, reason });
  }

  /** A dead letter of a task that ran. */
  async bury(run: RunningTask, reason: DeadReason, error: unknown): Promise<void> {
    if (!await this.recordDeath(run.delivery, reason, error, run.attempt)) return;
    if (await this.keeper?.failed(run, reason === 'timed-out' ? 'timedOut' : 'failed', error) === false) return;
    if (run.gated && !await this.leave(run, { kind: 'failed', reason, error })) return;
    this.acknowledge(run);
    this.emitDeath(run.identity(), reason, error);
  }

  /** Called off: it does not run, or not any more. */
  async cancel(run: RunningTask, reason: string): Promise<void> {
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
  async putBack(run: RunningTask): Promise<void> {
    run.reports?.abandon();
    if (run.gated) await this.leave(run, { kind: 'returned' });
    run.delivery.requeue();
    run.duplicate?.requeue();
  }

  /** Not waited for: others who take it next need not wait for what it holds, if that can still be said. */
  abandoned(run: RunningTask): void {
    if (run.gated) void this.leave(run, { kind: 'returned' });
  }

  /** A dead letter of a delivery that could not run. */
  async buryUnrun(delivery: Delivery, task: { uuid: string; name: string }, reason: DeadReason, error: unknown): Promise<void> {
    const attempt = attemptOf(delivery);
    if (!await this.recordDeath(delivery, reason, error, attempt)) return;
    if (await this.leaveUnrun(delivery, task, attempt, { kind: 'failed', reason, error }, error) === false) return;
    delivery.ack();
    this.emitDeath(this.identity(delivery, task, attempt), reason, error);
  }

  /** Too late to run. It is reported and gone: no dead letter, because its sender has said that it is of no use any more. */
  expire(delivery: Delivery, task: Task, expiresAt: number): Promise<void> | undefined {
    const attempt = attemptOf(delivery);
    const expired = (): void => {
      if (delivery.ack()) this.dependencies.emit({ type: 'task.expired', task: this.identity(delivery, task, attempt), expiresAt });
    };
    const leaving = this.leaveUnrun(delivery, task, attempt, { kind: 'expired' }, expiredError(task, expiresAt));
    if (leaving !== undefined) return leaving.then((left) => { if (left) expired(); });
    expired();
    return undefined;
  }

  /** Tasks of this name are paused: it waits out of sight, uncharged, for a time that grows to 30 s, however often. */
  async putOff(delivery: Delivery, task: Task): Promise<void> {
    const pauses = countHeader(delivery.properties.headers, Header.pauses, 0);
    const pauseMs = Math.min(FIRST_PUT_OFF_MS * 2 ** Math.min(pauses, 10), LONGEST_PUT_OFF_MS);
    if (!await this.settler.sendAgain(delivery, { [Header.pauses]: pauses + 1 }, pauseMs)) return;
    delivery.ack();
    this.dependencies.emit({ type: 'task.returned', task: this.identity(delivery, task, attemptOf(delivery)), pauseMs, reason: `Tasks named "${task.name}" are paused.` });
  }

  /** No handler of this name is here. Another worker of the queue may have one: a Go service, or a newer version of ours. */
  async passOn(delivery: Delivery, task: Task): Promise<void> {
    const returns = countHeader(delivery.properties.headers, Header.returns, 0);
    const graceSeconds = this.config.unknownTaskGraceSeconds ?? DEFAULT_GRACE_SECONDS;
    const pauseMs = returnPauseMs(returns, graceSeconds);
    if (pauseMs === undefined) {
      return this.buryUnrun(delivery, task, 'unknown-task', this.unknownTask(task.name, delivery.queue, graceSeconds));
    }
    if (!await this.settler.sendAgain(delivery, { [Header.returns]: returns + 1 }, pauseMs)) return;
    delivery.ack();
    this.dependencies.emit({ type: 'task.returned', task: this.identity(delivery, task, attemptOf(delivery)), pauseMs });
  }

  /**
   * For a delivery that came back unsettled. Where the broker counts that, it may run as long as the
   * count is low (`undefined`). Where it does not, the task takes its count along: it is sent again
   * with the count raised, to be run from there.
   */
  cameBack(delivery: Delivery, task: Task): Promise<void> | undefined {
    const { deliveryCount } = delivery;
    if (deliveryCount === undefined && wasJustCounted(delivery)) return undefined;
    const count = deliveryCount ?? countHeader(delivery.properties.headers, Header.redeliveries, 0) + 1;
    if (count > this.maxRedeliveries) return this.buryUnrun(delivery, task, 'crash-loop', this.crashLoop(task, count));
    return deliveryCount === undefined ? this.recount(delivery, count) : undefined;
  }

  private async succeedKept(run: RunningTask, value: unknown): Promise<void> {
    if (await this.keeper?.succeeded(run, value) === false) return;
    if (run.gated && !await this.leave(run, { kind: 'succeeded', value })) return;
    this.acknowledge(run);
  }

  private async leave(run: RunningTask, end: TaskEnd): Promise<boolean> {
    return this.gates === undefined || this.gates.leave(run, end);
  }

  /** `undefined`: nobody asked for its result, and no gate has to do with it. */
  private leaveUnrun(
    delivery: Delivery, task: { uuid: string; name: string }, attempt: number, end: Extract<TaskEnd, { kind: 'failed' | 'expired' }>, error: unknown,
  ): Promise<boolean> | undefined {
    if (this.gates === undefined && this.keeper === undefined) return undefined;
    const visit = unrunVisit(delivery, task, attempt, this.config.name, this.dependencies.handlers.get(task.name));
    const keeping = this.keeper?.endedUnrun(visit, end.kind, error);
    const { gates } = this;
    if (gates?.concern(visit) !== true) return keeping;
    return keeping === undefined ? gates.leave(visit, end) : keeping.then((kept) => kept && gates.leave(visit, end));
  }

  private async recount(delivery: Delivery, count: number): Promise<void> {
    const changes = { [Header.redeliveries]: count, [Header.redeliveredAt]: Date.now() };
    if (await this.settler.sendAgain(delivery, changes, 0)) delivery.ack();
  }

  private recordDeath(delivery: Delivery, reason: DeadReason, error: unknown, attempt: number): Promise<boolean> {
    return this.settler.deadLetter(delivery, { reason, error, attempt, worker: this.config.name, at: new Date() });
  }

  private historyOf(run: RunningTask, error: unknown): string {
    return historyWith(run.delivery.properties.headers,
      { attempt: run.attempt, at: new Date().toISOString(), worker: this.config.name, error });
  }

  private emitDeath(task: TaskIdentity, reason: DeadReason, error: unknown): void {
    this.dependencies.emit({ type: 'task.dead-lettered', task, reason, error });
  }

  private identity(delivery: Delivery, { uuid, name }: { uuid: string; name: string }, attempt: number): TaskIdentity {
    return { uuid, name, attempt, queue: delivery.queue, worker: this.config.name };
  }

  private crashLoop({ name, uuid }: Task, count: number): DispatcherError {
    return new DispatcherError('ERR_DISPATCHER_CRASH_LOOP',
      `Task "${name}" (${uuid}) came back unsettled ${count} times; at most ${this.maxRedeliveries} are allowed (maxRedeliveries). `
      + 'It probably crashes its process: look at what the processes logged last, mend the handler, and replay the dead letter.',
      { task: name, uuid, count });
  }

  private unknownTask(name: string, queue: string, graceSeconds: number): UnknownTaskError {
    const known = [...this.dependencies.handlers.keys()];
    return new UnknownTaskError(
      `No worker of the queue "${queue}" took the task "${name}" within ${graceSeconds} s (unknownTaskGraceSeconds). `
      + `Worker "${this.config.name}" knows: ${known.slice(0, 20).join(', ') || 'no task'}. `
      + `Deploy a worker with @Task('${name}'), or correct the name.`, { task: name, known });
  }
}

/** What became of a cancelled task, as its record and its running handler are told. */
export function cancelledError({ uuid, name }: { uuid: string; name: string }, reason: string): TaskCancelledError {
  return new TaskCancelledError(`Task "${name}" (${uuid}) was cancelled: ${reason}`, { task: name, uuid });
}

/**
 * A process does not die many times a second, but a Go worker on the same queue gives back in a hot
 * loop what it has no function for. What comes back so soon is run, and counted only now and then.
 */
function wasJustCounted(delivery: Delivery): boolean {
  const at = countHeader(delivery.properties.headers, Header.redeliveredAt, 0);
  // Both ways: the clock of whoever wrote it may be ahead of ours, but not for ever.
  return Math.abs(Date.now() - at) < COUNT_EVERY_MS;
}

function expiredError({ name, uuid }: Task, expiresAt: number): DispatcherError {
  return new DispatcherError('ERR_DISPATCHER_EXPIRED',
    `Task "${name}" (${uuid}) was not run: it expired at ${new Date(expiresAt).toISOString()} (expiresInSeconds).`, { task: name, uuid, expiresAt });
}

function attemptOf(delivery: Delivery): number {
  return Math.max(1, countHeader(delivery.properties.headers, Header.attempt, 1));
}
