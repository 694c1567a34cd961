import type { Delivery } from '../brokers/broker.js';
import type { TaskIdentity } from '../events/dispatcher-event.js';
import { StepError } from '../errors.js';
import { attemptIn, Header } from '../task/headers.js';
import type { ArrivedAs, Task, TaskArgument, TaskHeaders } from '../task/task.js';
import { checkRetryPolicy, type RetryPolicy } from '../task/retry-policy.js';
import { clock } from '../time/clock.js';
import type { BatchCall } from './batches/batch-call.js';
import type { BatchedRun, BatchSeat } from './batches/batch-member.js';
import { cameBack } from './came-back.js';
import type { HandledVisit } from './gates/task-gate.js';
import type { Handler } from './handler.js';
import { leaseAfter, type LeasePhase } from './lease/lease-phase.js';
import type { Release } from './limits/task-limits.js';
import { makeStopper } from '../time/stopper.js';
import type { Timer } from '../time/timer.js';
import { checkProgress } from './progress.js';
import { replyToOf } from './reply-to.js';
import type { Contextual } from './run-contexts.js';
import { RunExtras } from './run-extras.js';
import type { Listed } from './run-list.js';
import type { ObservedRun } from './run-observer.js';
import { isAwaited, phaseAfter, RunPhase, RunStep } from './run-phase.js';
import { noting, RunNotes } from './run-notes.js';
import type { RunReports } from './run-reports.js';
import { HandlerContext, type ContextSource, type RunCompanion } from './handler-context.js';
import type { StepJournal } from './steps/step-journal.js';
import type { SteppedRun } from './steps/run-record.js';
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
  /** Where steps are recorded. Absent: nowhere. */
  readonly journalOf?: ((run: SteppedRun) => StepJournal) | undefined;
  /** Ends it as what was not run, for this reason to stop. */
  withdraw(run: RunningTask): void;
}

/**
 * One attempt of one task, from its start to its settlement: the worker's own record, of which the handler's context
 * shows a part. What most handlers never ask for (signal, logger, state) is made when asked for.
 */
export class RunningTask implements ContextSource, Contextual, Listed<RunningTask>, ObservedRun, HandledVisit, SteppedRun, BatchedRun {
  readonly attempt: number;
  readonly startedAt = clock.elapsed();
  /** It has to do with gates: they are to be told how it ends. */
  gated = false;
  /** Its neighbours among those that run. */
  before: RunningTask | undefined;
  after: RunningTask | undefined;
  private current: RunPhase = RunPhase.offered;
  private lease: LeasePhase = 'none';
  /** Its delivery was, before its end: a copy stands for it. */
  private isAcknowledged = false;
  private own: HandlerContext | undefined;
  private extras: RunExtras | undefined;

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

  private get made(): RunExtras { return (this.extras ??= new RunExtras()); }

  get timer(): Timer | undefined { return this.extras?.timer; }
  set timer(timer: Timer) { this.made.timer = timer; }
  get cancelled(): string | undefined { return this.extras?.cancelled; }
  set cancelled(reason: string) { this.made.cancelled = reason; }
  get reports(): RunReports | undefined { return this.extras?.reports; }
  set reports(reports: RunReports) { this.made.reports = reports; }
  get leaseHeaders(): TaskHeaders | undefined { return this.extras?.leaseHeaders; }
  get taking(): Promise<void> | undefined { return this.extras?.taking; }
  set taking(taking: Promise<void>) { this.made.taking = taking; }
  get release(): Release | undefined { return this.extras?.release; }
  set release(release: Release) { this.made.release = release; }
  get companion(): RunCompanion | undefined { return this.extras?.companion; }
  set companion(companion: RunCompanion) { this.made.companion = companion; }
  get started(): (() => void) | undefined { return this.extras?.started; }
  set started(started: () => void) { this.made.started = started; }
  get notes(): RunNotes | undefined { return this.extras?.notes; }
  get seat(): BatchSeat | undefined { return this.extras?.seat; }
  set seat(seat: BatchSeat) { this.made.seat = seat; }
  get isWithdrawn(): boolean { return this.extras?.isWithdrawn === true; }
  get steps(): StepJournal | undefined { return this.extras?.journal; }

  /** From now on its end is told to the gates. */
  get journal(): StepJournal {
    const { made } = this;
    if (made.journal !== undefined) return made.journal;
    const { journalOf } = this.surroundings;
    if (journalOf === undefined) throw new StepError(`Worker "${this.worker}" has nowhere to record steps.`, { task: this.name });
    this.gated = true;
    return (made.journal = journalOf(this));
  }

  openSteps(): StepJournal { return this.journal; }

  /** Beside the headers of what goes on after it, so that others know of its record. */
  get stepsHeaders(): TaskHeaders | undefined {
    return this.steps === undefined || this.headers[Header.steps] !== undefined ? undefined : { [Header.steps]: '0' };
  }

  get signal(): AbortSignal {
    const { made } = this;
    if (made.controller === undefined) {
      made.controller = makeStopper();
      if (made.abortReason !== undefined) made.controller.abort(made.abortReason);
    }
    return made.controller.signal;
  }

  get logger(): TaskLogger {
    const { made } = this;
    if (made.logger !== undefined) return made.logger;
    const logger = this.surroundings.loggerFor(this.task.name, this.task.uuid, () => ({ task: this.identity(), ...this.companion?.logFields }));
    return (made.logger = this.surroundings.isObserved ? noting(logger, this.noted) : logger);
  }

  private get noted(): RunNotes { return (this.made.notes ??= new RunNotes()); }

  /** What its handler gets of it; the same each time. */
  get context(): HandlerContext { return (this.own ??= new HandlerContext(this)); }
  get controls(): WorkerControls { return this.surroundings.controls; }

  /** Calls its handler. */
  call(): unknown {
    const { handler, task: { uuid, args } } = this;
    const values = args.map(valueOf);
    return handler.run(handler.taskUuidAsFirstArg === true ? [uuid, ...values] : values, this.context);
  }

  noteSent(uuid: string): void {
    if (this.surroundings.isObserved) this.noted.addSent(uuid);
  }

  progress(fraction: number, data?: unknown): void {
    checkProgress(this.name, fraction);
    if (this.surroundings.isObserved) this.noted.reached(fraction, data, clock.now());
    if (isAwaited(this.current)) this.reports?.note({ state: 'progress', at: clock.now(), worker: this.worker, attempt: this.attempt, fraction, data });
  }

  get state(): TaskState {
    return (this.made.state ??= {});
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

  get isAborted(): boolean { return this.extras?.abortReason !== undefined; }
  get abortReason(): Error | undefined { return this.extras?.abortReason; }

  abort(reason: Error): void {
    this.made.abortReason = reason;
    this.extras?.controller?.abort(reason);
    if (!this.isWithdrawn) this.extras?.seat?.aborted(reason);
  }

  /** Its handler takes many at once: resolves or rejects as it says of this one. */
  joinBatch(call: BatchCall, args: readonly unknown[]): Promise<unknown> {
    return this.controls.batches.join(call, args, this);
  }

  withdraw(reason: Error): void {
    this.made.isWithdrawn = true;
    this.abort(reason);
    this.surroundings.withdraw(this);
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
      this.made.leaseHeaders = copied;
    }
    this.lease = leaseAfter(this.lease, copied === undefined ? 'fail' : 'copied') ?? this.lease;
  }

  /** The same delivery, once more: not a copy that stands for it, or goes on where it has waited. */
  isAgain({ uuid, attempt, headers }: RunningTask): boolean {
    return uuid === this.uuid && attempt === this.attempt && headers[Header.copy] === this.headers[Header.copy] && headers[Header.steps] === this.headers[Header.steps];
  }

  /** It came back while it runs: settled with it, or at once where a copy stands for it. */
  join(again: Delivery): void {
    if (this.takenOver) this.isAcknowledged = again.ack() || this.isAcknowledged;
    else (this.made.duplicates ??= []).push(again);
  }

  /**
   * A copy of this very attempt may be in its queue from now on, and come here before it is known that it is there: it
   * must not be settled with this delivery, which it stands for.
   */
  startSendingAgain(): void { this.made.waiting ??= []; }

  /** False where no such copy is about; otherwise that is called once this has ended, and it is known which of both is left. */
  afterSendingAgain(goOn: () => void): boolean {
    const waiting = this.extras?.waiting;
    waiting?.push(goOn);
    return waiting !== undefined;
  }

  /** It has ended. */
  releaseWaiting(): void {
    for (const goOn of this.extras?.waiting?.splice(0) ?? []) goOn();
  }

  /** Settles the delivery, and the duplicates with it. False when the broker no longer waits for any of them. */
  ack(): boolean {
    return this.step(RunStep.settle) && (this.isAcknowledged || this.acknowledge());
  }

  /** All of them go back to their queue, unsettled. */
  requeue(): void {
    if (!this.step(RunStep.settle)) return;
    this.delivery.requeue();
    for (const duplicate of this.extras?.duplicates ?? []) duplicate.requeue();
  }

  private acknowledge(): boolean {
    let isTaken = this.delivery.ack();
    for (const duplicate of this.extras?.duplicates ?? []) isTaken = duplicate.ack() || isTaken;
    return isTaken;
  }

  /** The task as events and logs name it: a copy, so that nobody holds on to the body through it. */
  identity(): TaskIdentity {
    return { uuid: this.uuid, name: this.name, attempt: this.attempt, queue: this.queue, worker: this.worker };
  }
}

function valueOf({ value }: TaskArgument): unknown {
  return value;
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
