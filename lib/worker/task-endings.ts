import type { DeadReason } from '../events/dispatcher-event.js';
import { Header } from '../task/headers.js';
import type { TaskHeaders } from '../task/task.js';
import { clock } from '../time/clock.js';
import { historyWith } from './attempt-history.js';
import { cancelledError } from './cancelled-error.js';
import type { EndingParts } from './ending-parts.js';
import { FinishedTasks } from './finished-tasks.js';
import type { Entrance, TaskEnd } from './gates/task-gate.js';
import type { RunEnding } from './run-ending.js';
import type { RunningTask } from './running-task.js';
import { unwritableError } from './unwritable-error.js';
import { waitedMs } from '../task/waited.js';

/**
 * The ways in which a run can end here. Each is recorded where it has to be, with confirm, and
 * only then acknowledged: whatever dies in between, the broker still has the delivery.
 */
export class TaskEndings {
  private readonly finished = new FinishedTasks();

  constructor(private readonly parts: EndingParts) {}

  /** `undefined`: no gate has to do with it, and it may run at once. */
  enter(run: RunningTask): Promise<Entrance> | undefined {
    const { gates } = this.parts;
    if (gates?.concern(run) !== true) return undefined;
    run.gated = true;
    return gates.enter(run);
  }

  /** It is to run here; a gate, or a limit, may still have it wait. */
  received(run: RunningTask): void {
    this.parts.keeper?.received(run);
  }

  started(run: RunningTask): void {
    const { keeper, dependencies: { taskFlow } } = this.parts;
    keeper?.started(run);
    if (taskFlow?.observed === true) taskFlow.next({ type: 'task.started', task: run.identity(), ...waitedOf(run) });
  }

  /** True, and acknowledged, when this very attempt has ended here and only its acknowledgement was lost. */
  acknowledgeIfFinished(run: RunningTask): boolean {
    if (!this.finished.take(run.uuid, run.attempt, copyOf(run))) return false;
    this.acknowledge(run);
    return true;
  }

  /** Records this end, and settles the delivery last; left unsettled where the worker was stopped before that. */
  record(run: RunningTask, ending: RunEnding): Promise<void> | undefined {
    switch (ending.kind) {
      case 'succeed': return this.succeed(run, ending.value);
      case 'retry': return this.retry(run, ending);
      case 'wait': return this.giveBack(run, ending);
      case 'bury': return this.bury(run, ending.reason, ending.error);
      case 'cancel': return this.cancel(run, ending.reason);
      case 'drop': return this.drop(run, ending.reason);
      case 'suspend': return this.suspend(run);
      case 'requeue': return this.requeue(run);
    }
  }

  /** Done at once where no result is asked for, and no gate has to do with it; otherwise once that is kept. */
  succeed(run: RunningTask, value: unknown): Promise<void> | undefined {
    if (run.gated || run.reports !== undefined) return this.succeedKept(run, value);
    this.acknowledge(run, true);
    this.tellSuccess(run);
    return undefined;
  }

  /** No attempt is left: it becomes a dead letter. */
  async bury(run: RunningTask, reason: DeadReason, error: unknown): Promise<void> {
    const { config, settler, keeper, dependencies } = this.parts;
    await run.taking;
    const certificate = { reason, error, attempt: run.attempt, worker: config.name, at: clock.date(), headers: { ...run.companion?.headers, ...run.stepsHeaders } };
    if (!await settler.deadLetter(run.delivery, certificate, () => run.requeue())) return;
    const kept = keeper?.failed(run, reason === 'timed-out' ? 'timedOut' : 'failed', error);
    if (await this.conclude(run, { kind: 'failed', reason, error }, kept)) {
      dependencies.observer?.ended(run, 'failed', reason, error);
      dependencies.emit({ type: 'task.dead-lettered', task: run.identity(), reason, error });
    }
  }

  /** Not waited for: others who take it next need not wait for what it holds, if that can still be said. */
  abandoned(run: RunningTask): Promise<void> {
    return this.letGo(run);
  }

  private async succeedKept(run: RunningTask, value: unknown): Promise<void> {
    await run.taking;
    if (await this.conclude(run, { kind: 'succeeded', value }, this.parts.keeper?.succeeded(run, value))) this.tellSuccess(run);
  }

  private tellSuccess(run: RunningTask): void {
    const { taskFlow, observer } = this.parts.dependencies;
    observer?.ended(run, 'succeeded');
    if (taskFlow?.observed === true) taskFlow.next({ type: 'task.succeeded', task: run.identity(), durationMs: clock.elapsed() - run.startedAt });
  }

  /** The next attempt waits in the queue. */
  private async retry(run: RunningTask, { attempt, delayMs, error }: Extract<RunEnding, { kind: 'retry' }>): Promise<void> {
    const next = this.parts.dependencies.format.nextAttempt?.(run.delivery, { isCharged: attempt > run.attempt, dueAt: clock.now() + delayMs });
    const changes: TaskHeaders = { ...next?.headers, ...run.companion?.headers, ...run.stepsHeaders, [Header.attempt]: attempt, [Header.history]: this.historyOf(run, error), [Header.redeliveries]: 0 };
    this.parts.keeper?.retrying(run, error, delayMs);
    if (attempt === run.attempt) run.startSendingAgain();
    if (!await this.sentAgain(run, changes, delayMs, { failure: error, body: next?.body })) return;
    if (await this.conclude(run, { kind: 'retrying', attempt, delayMs, error })) {
      this.parts.dependencies.observer?.ended(run, 'retrying', undefined, error);
      this.parts.dependencies.emit({ type: 'task.retrying', task: run.identity(), error, delayMs });
    }
  }

  /** It waits in its queue again, as if it had not been taken. */
  private async giveBack(run: RunningTask, { delayMs, reason, headers = {} }: Extract<RunEnding, { kind: 'wait' }>): Promise<void> {
    const pauseMs = Math.round(delayMs);
    run.startSendingAgain();
    if (!await this.sentAgain(run, headers, pauseMs)) return;
    if (await this.conclude(run, { kind: 'returned' })) {
      this.parts.dependencies.emit({ type: 'task.returned', task: run.identity(), pauseMs, reason });
    }
  }

  /** It has a place no longer: what it waits for is recorded first, so that whoever brings it about knows of it. */
  private async suspend(run: RunningTask): Promise<void> {
    const { settler, dependencies } = this.parts;
    await run.taking;
    const beside: TaskHeaders = { ...run.leaseHeaders, ...run.companion?.headers, [Header.redeliveries]: 0 };
    const parked = await run.steps?.park((headers) => settler.continued(run.delivery, { ...beside, ...headers }));
    if (parked === undefined) return this.requeue(run);
    const { delayMs, signals, until } = parked;
    this.parts.keeper?.suspended(run, delayMs);
    if (!await settler.goOn(run.delivery, { ...beside, ...parked.headers }, delayMs)) return;
    if (await this.conclude(run, { kind: 'suspended', delayMs })) {
      dependencies.emit({ type: 'task.suspended', task: run.identity(), until, signals });
    }
  }

  /** Called off: it does not run, or not any more. */
  private async cancel(run: RunningTask, reason: string): Promise<void> {
    await run.taking;
    if (await this.conclude(run, { kind: 'cancelled', reason }, this.parts.keeper?.cancelled(run, cancelledError(run, reason)))) {
      this.parts.dependencies.observer?.ended(run, 'cancelled', reason);
      this.parts.dependencies.emit({ type: 'task.cancelled', task: run.identity(), reason });
    }
  }

  /** One delivery too many of a task that is, or was, run elsewhere. */
  private async drop(run: RunningTask, reason: string): Promise<void> {
    if (!await this.conclude(run, { kind: 'dropped' })) return;
    this.parts.dependencies.observer?.ended(run, 'dropped', reason);
    this.parts.dependencies.emit({ type: 'task.dropped', task: run.identity(), reason });
  }

  private async requeue(run: RunningTask): Promise<void> {
    run.reports?.abandon();
    await this.letGo(run);
    run.requeue();
  }

  /** What was taken over comes back by a copy; where that cannot be published now, by the one that stands for it. */
  private async letGo(run: RunningTask): Promise<void> {
    await run.taking;
    if (!run.gated) return;
    await this.leave(run, { kind: 'returned' });
    if (run.leaseHeaders !== undefined) await this.parts.settler.copy(run.delivery, run.leaseHeaders, 0).catch(() => undefined);
  }

  /** False where nothing is left to do: the worker was stopped; or the task can never be written again, and is a dead letter. */
  private async sentAgain(run: RunningTask, changes: TaskHeaders, delayMs: number, { failure, body }: { failure?: unknown; body?: Buffer | undefined } = {}): Promise<boolean> {
    await run.taking;
    try {
      return await this.parts.settler.sendAgain(run.delivery, { ...run.leaseHeaders, ...changes }, delayMs, body);
    } catch (error) {
      await this.bury(run, 'failed', unwritableError(run, error, failure));
      return false;
    }
  }

  /** Once what it needs is published: told to whoever asked and to the gates, then acknowledged. False when the worker was stopped before that. */
  private async conclude(run: RunningTask, end: TaskEnd, kept?: Promise<boolean>): Promise<boolean> {
    if (await kept === false) return false;
    if (run.gated && !await this.leave(run, end)) return false;
    this.acknowledge(run, end.kind === 'succeeded' || end.kind === 'cancelled', end.kind !== 'dropped');
    return true;
  }

  private leave(run: RunningTask, end: TaskEnd): Promise<boolean> {
    const { gates } = this.parts;
    if (gates === undefined) return Promise.resolve(true);
    return run.companion === undefined ? gates.leave(run, end) : run.companion.within(() => gates.leave(run, end));
  }

  /** The last step of every end. */
  private acknowledge(run: RunningTask, isOver = false, hasEnded = true): void {
    // What was one too many has not ended here: should it come again, it may be the only one left.
    const isLate = !run.ack();
    if (isLate && hasEnded) this.finished.add(run.uuid, run.attempt, copyOf(run));
    if (!isLate && isOver && !mayHaveCopies(run)) this.parts.dependencies.release?.(run.delivery);
  }

  private historyOf(run: RunningTask, error: unknown): string {
    return historyWith(run.delivery.properties.headers,
      { attempt: run.attempt, at: clock.date().toISOString(), worker: this.parts.config.name, error });
  }
}

/** Which of the messages under its uuid it is, where there are several. */
function copyOf({ headers }: RunningTask): string {
  const [copy, wake] = [headers[Header.copy], headers[Header.steps]];
  return copy === undefined && wake === undefined ? '' : JSON.stringify([copy, wake]);
}

/** One that comes later is dropped by who can read it: its body, which they share, is left to be swept. */
function mayHaveCopies({ headers, leaseHeaders }: RunningTask): boolean {
  return leaseHeaders !== undefined || headers[Header.lease] !== undefined || headers[Header.once] !== undefined || headers[Header.steps] !== undefined;
}

function waitedOf({ attempt, delivery: { properties } }: RunningTask): { waitedMs?: number } {
  const waited = waitedMs(attempt, properties, clock.now());
  return waited === undefined ? {} : { waitedMs: waited };
}
