import type { Delivery } from '../brokers/broker.js';
import type { TaskIdentity } from '../events/dispatcher-event.js';
import { attemptIn, Header } from '../task/headers.js';
import type { ArrivedAs, Task, TaskArgument, TaskHeaders } from '../task/task.js';
import { checkRetryPolicy, type RetryPolicy } from '../task/retry-policy.js';
import { clock } from '../time/clock.js';
import { cameBack } from './came-back.js';
import type { TaskVisit } from './gates/task-gate.js';
import type { Handler } from './handler.js';
import { leaseAfter, type LeasePhase } from './lease/lease-phase.js';
import type { Release } from './limits/task-limits.js';
import { makeStopper } from '../time/stopper.js';
import type { Timer } from '../time/timer.js';
import { checkProgress } from './progress.js';
import { replyToOf } from './reply-to.js';
import type { ObservedRun } from './run-observer.js';
import { isAwaited, phaseAfter, RunPhase, RunStep } from './run-phase.js';
import { noting, RunNotes } from './run-notes.js';
import type { RunReports } from './run-reports.js';
import { HandlerContext, type ContextSource, type RunCompanion } from './handler-context.js';
import type { TaskLogger } from './task-context.js';
import type { TaskState } from './task-state.js';
import type { WorkerControls } from './worker-controls.js';

const NO_HEADERS: Readonly<TaskHeaders> = Object.freeze({});

/** What a run needs to know of its worker. */
export interface Surroundings {
  readonly name: string;
  loggerFor(taskName: string, uuid: string, fields?: () => object): TaskLogger;
  readonly controls: WorkerControls;
  /** Somebody may look at what its runs say of themselves. */
  readonly isObserved: boolean;
}

/**
 * One attempt of one task, from its start to its settlement: the worker's own record, of which the handler's context
 * shows a part. What most handlers never ask for (signal, logger, state) is made when asked for.
 */
export class RunningTask implements ContextSource, ObservedRun, TaskVisit {
  readonly attempt: number;
  readonly startedAt = clock.elapsed();
  timer: Timer | undefined;
  /** It was called off while it ran, by whom and why. */
  cancelled: string | undefined;
  /** What is told of it; absent where nobody asked. */
  reports: RunReports | undefined;
  /** It has to do with gates: they are to be told how it ends. */
  gated = false;
  /** How copies of it are told from it, once one stands for it. */
  leaseHeaders: TaskHeaders | undefined;
  /** It is, or was, being taken over; never rejects. Whatever ends the run waits for it. */
  taking: Promise<void> | undefined;
  /** Gives back what the limits of the handler let it take. */
  release: Release | undefined;
  /** Of whoever traces it. */
  companion: RunCompanion | undefined;
  /** For handlers that start themselves. */
  started: (() => void) | undefined;
  /** The same attempt, delivered again after a lost connection while it runs here; settled together. */
  duplicate: Delivery | undefined;
  /** What its handler has said of itself. */
  notes: RunNotes | undefined;
  private current: RunPhase = RunPhase.offered;
  private lease: LeasePhase = 'none';
  /** Its delivery was, before its end: a copy stands for it. */
  private isAcknowledged = false;
  private own: HandlerContext | undefined;
  private controller: AbortController | undefined;
  private log: TaskLogger | undefined;
  private abortReason: unknown;
  private shared: TaskState | undefined;

  constructor(
    private readonly surroundings: Surroundings,
    readonly delivery: Delivery,
    public task: Task,
    readonly handler: Handler,
  ) {
    this.attempt = attemptIn(task.headers);
  }

  get uuid(): string { return this.task.uuid; }
  get name(): string { return this.task.name; }
  get args(): readonly TaskArgument[] { return this.task.args; }
  get arrived(): ArrivedAs | undefined { return this.task.arrived; }
  get replyTo(): string | undefined { return replyToOf(this.delivery, this.task); }
  get queue(): string { return this.delivery.queue; }
  get worker(): string { return this.surroundings.name; }
  get redelivered(): boolean { return cameBack(this.delivery); }
  get headers(): Readonly<TaskHeaders> { return this.task.headers ?? NO_HEADERS; }
  get timeoutSeconds(): number | undefined { return this.task.arrived?.timeoutSeconds ?? this.handler.timeoutSeconds; }

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = makeStopper();
      if (this.abortReason !== undefined) this.controller.abort(this.abortReason);
    }
    return this.controller.signal;
  }

  get logger(): TaskLogger {
    if (this.log !== undefined) return this.log;
    const logger = this.surroundings.loggerFor(this.task.name, this.task.uuid, () => ({ task: this.identity(), ...this.companion?.logFields }));
    return (this.log = this.surroundings.isObserved ? noting(logger, this.noted) : logger);
  }

  private get noted(): RunNotes { return (this.notes ??= new RunNotes()); }

  /** What its handler gets of it; the same each time. */
  get context(): HandlerContext { return (this.own ??= new HandlerContext(this)); }
  get controls(): WorkerControls { return this.surroundings.controls; }

  noteSent(uuid: string): void {
    if (this.surroundings.isObserved) this.noted.addSent(uuid);
  }

  progress(fraction: number, data?: unknown): void {
    checkProgress(this.name, fraction);
    if (this.surroundings.isObserved) this.noted.reached(fraction, data, clock.now());
    if (isAwaited(this.current)) this.reports?.note({ state: 'progress', at: clock.now(), worker: this.worker, attempt: this.attempt, fraction, data });
  }

  get state(): TaskState {
    return (this.shared ??= {});
  }

  /** The task's own retry options before those of its handler; what its format says of retries before the latter. */
  get retry(): RetryPolicy | undefined {
    const own = this.headers[Header.retry];
    return typeof own === 'string' ? { ...this.handler.retry, ...retryOptionsFrom(own) } : this.task.arrived?.retry ?? this.handler.retry;
  }

  /** It came with older ones. */
  withArguments(args: TaskArgument[]): this {
    this.task = { ...this.task, args };
    return this;
  }

  get isAborted(): boolean { return this.abortReason !== undefined; }

  abort(reason: Error): void {
    this.abortReason = reason;
    this.controller?.abort(reason);
  }

  get phase(): RunPhase { return this.current; }

  /** False where that cannot happen to it, or not any more: then nothing changes. */
  step(step: RunStep): boolean {
    const next = phaseAfter(this.current, step);
    if (next === undefined) return false;
    this.current = next;
    return true;
  }

  get leased(): boolean { return this.lease !== 'none'; }
  get takenOver(): boolean { return this.lease === 'taken'; }

  /** False where it is taken over, or is not to be any more. From then on its end is told to the gates, whatever becomes of this. */
  startTaking(): boolean {
    const next = this.current === RunPhase.running ? leaseAfter(this.lease, 'take') : undefined;
    if (next === undefined) return false;
    this.lease = next;
    this.gated = true;
    return true;
  }

  /** With the headers of the copy that stands for it from now on: its delivery is acknowledged, and its end still to come. */
  endTaking(copied: TaskHeaders | undefined): void {
    if (copied !== undefined) {
      this.isAcknowledged = this.acknowledge();
      this.leaseHeaders = copied;
    }
    this.lease = leaseAfter(this.lease, copied === undefined ? 'fail' : 'copied') ?? this.lease;
  }

  /** The same delivery, once more: not a copy that stands for it. */
  isAgain({ uuid, attempt, headers }: RunningTask): boolean {
    return uuid === this.uuid && attempt === this.attempt && headers[Header.copy] === this.headers[Header.copy];
  }

  /** It came back while it runs: settled with it, or at once where a copy stands for it. */
  join(again: Delivery): void {
    if (this.takenOver) this.isAcknowledged = again.ack() || this.isAcknowledged;
    else this.duplicate = again;
  }

  /** Settles the delivery, and the duplicate with it. False when the broker no longer waits for either. */
  ack(): boolean {
    return this.step(RunStep.settle) && (this.isAcknowledged || this.acknowledge());
  }

  /** Both go back to their queue, unsettled. */
  requeue(): void {
    if (!this.step(RunStep.settle)) return;
    this.delivery.requeue();
    this.duplicate?.requeue();
  }

  private acknowledge(): boolean {
    const first = this.delivery.ack();
    return this.duplicate === undefined ? first : this.duplicate.ack() || first;
  }

  /** The task as events and logs name it: a copy, so that nobody holds on to the body through it. */
  identity(): TaskIdentity {
    return { uuid: this.uuid, name: this.name, attempt: this.attempt, queue: this.queue, worker: this.worker };
  }
}

/** Options that travelled are data: what cannot be read or makes no sense is as if it were not there. */
function retryOptionsFrom(text: string): RetryPolicy {
  try {
    const options = JSON.parse(text) as RetryPolicy;
    checkRetryPolicy(options, 'header');
    return options;
  } catch {
    return {};
  }
}
