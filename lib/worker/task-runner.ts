import { TaskTimeoutError } from '../errors.js';
import type { EventSink, TaskIdentity } from '../events/dispatcher-event.js';
import { Header, versionIn } from '../task/headers.js';
import type { TaskArgument } from '../task/task.js';
import { clock } from '../time/clock.js';
import { Timer } from '../time/timer.js';
import { BlockedLoop } from './blocked-loop.js';
import { cancelledError } from './cancelled-error.js';
import type { CancelReasonOf } from './gates/cancel-gate.js';
import type { Entrance } from './gates/task-gate.js';
import type { Leases } from './lease/leases.js';
import type { TaskLimits } from './limits/task-limits.js';
import type { RunContexts } from './run-contexts.js';
import { RunEnds, type RunEndsHost } from './run-ends.js';
import type { ObservedRun } from './run-observer.js';
import { RunList } from './run-list.js';
import { isAwaited, RunPhase, RunStep } from './run-phase.js';
import type { RunningTask, Surroundings } from './running-task.js';
import type { TaskEndings } from './task-endings.js';
import type { TaskLogger } from './task-context.js';
import { upgradedArguments, versionOf } from './versions.js';
import type { WorkerControls } from './worker-controls.js';
import type { WorkerDependencies } from './worker.js';

/**
 * Runs what was admitted, and knows what runs: limits and gates, the handler and its time. What ends it is for
 * {@link RunEnds}. It knows nothing of queues and slots; `onEnd` is called once for each run when its slot is free again,
 * with the time that its handler took if it was called.
 */
export class TaskRunner implements Surroundings, RunEndsHost {
  readonly emit: EventSink;
  private readonly runs = new RunList<RunningTask>();
  private readonly ages: number[] = [];
  private now = 0;
  private readonly ends: RunEnds;
  /** Started and stopped by the owner. */
  readonly blockedLoop: BlockedLoop;
  /** Started and stopped by the owner. Absent where no broker takes away what runs for long. */
  readonly leases: Leases | undefined;
  readonly journalOf: Surroundings['journalOf'];

  constructor(
    readonly name: string,
    private readonly dependencies: WorkerDependencies,
    private readonly endings: TaskEndings,
    private readonly onEnd: (durationMs: number | undefined, now: number) => void,
    readonly controls: WorkerControls,
    private readonly contexts: RunContexts,
    leasesOf: (runs: Iterable<RunningTask>) => Leases | undefined,
  ) {
    this.emit = dependencies.emit;
    this.ends = new RunEnds(endings, this);
    this.blockedLoop = new BlockedLoop(this.runs, dependencies.emit);
    this.leases = leasesOf(this.runs);
    const { steps } = dependencies;
    this.journalOf = steps && ((run) => steps.journalOf(run));
  }

  loggerFor(taskName: string, uuid: string, fields?: () => object): TaskLogger {
    return this.dependencies.loggerFor(taskName, uuid, fields);
  }

  get isObserved(): boolean { return this.dependencies.observer !== undefined; }

  get isLoopLate(): boolean { return this.blockedLoop.isLate; }

  /** Never throws, whatever a user's code does: it is the last that is called for a delivery. */
  start(run: RunningTask): void {
    run.step(RunStep.admit);
    this.runs.add(run);
    try {
      this.enter(run);
    } catch (defect) {
      this.ends.rescue(run, defect);
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

  /**
   * `joined` when this very attempt runs here already, or its end is being recorded: the delivery came back meanwhile, and
   * is settled with it. `waits` where it may be the copy that such an end has published; `goOn` is then called, once.
   */
  joinRunning(run: RunningTask, goOn: () => void): 'joined' | 'waits' | undefined {
    for (const other of this.runs) {
      if (other.phase === RunPhase.settled || !other.isAgain(run)) continue;
      if (other.afterSendingAgain(goOn)) return 'waits';
      if (run.step(RunStep.join)) other.join(run.delivery);
      return 'joined';
    }
    return undefined;
  }

  /** Those that a worker that closes waits for. */
  running(): TaskIdentity[] {
    return [...this.runs].filter(({ phase }) => isAwaited(phase)).map((run) => run.identity());
  }

  observed(): ObservedRun[] {
    return [...this.runs].filter(({ phase }) => phase === RunPhase.running || phase === RunPhase.ending);
  }

  /** For how long each has held its slot: until the next call, which writes into the same list. */
  runningMs(): readonly number[] {
    this.now = clock.elapsed();
    this.runs.fill(this.ages, this.ageOf);
    return this.ages;
  }

  private readonly ageOf = ({ startedAt }: RunningTask): number => this.now - startedAt;

  /** Asks every running handler to stop. */
  abort(reason: Error): void {
    for (const run of this.runs) run.abort(reason);
  }

  /** Asks those that were called off to stop. If they then end by throwing, they have ended as cancelled. */
  cancel(reasonOf: CancelReasonOf): void {
    for (const run of this.runs) {
      if (!isAwaited(run.phase) || run.cancelled !== undefined) continue;
      const reason = reasonOf(run);
      if (reason === undefined) continue;
      run.cancelled = reason;
      run.abort(cancelledError(run, reason));
    }
  }

  /**
   * Waits no longer for those that did not stop: their deliveries go back when the channel closes. `untold`, of whom the
   * gates do not know yet; `told` resolves when they know of all, or have refused.
   */
  abandon(): { readonly untold: ReadonlySet<RunningTask>; readonly told: Promise<unknown> } {
    const untold = new Set(this.runs.takeAll());
    const telling = [...untold].map((run) => this.ends.abandon(run).finally(() => untold.delete(run)));
    return { untold, told: Promise.allSettled(telling) };
  }

  /** Who must wait for others of its name gives its slot to whoever need not. */
  private mayRun(run: RunningTask, limits: TaskLimits): boolean {
    try {
      run.release = limits.enter(run.task.args.map(({ value }) => value));
      return true;
    } catch (error) {
      this.ends.threw(run, error);
      return false;
    }
  }

  /** While the gates are asked it holds its slot, and its delivery is known, as if it ran. */
  private afterGates(run: RunningTask, entering: Promise<Entrance>): void {
    entering.then((entrance) => this.entered(run, entrance)).catch((defect: unknown) => this.ends.rescue(run, defect));
  }

  private entered(run: RunningTask, entrance: Entrance): void {
    if (run.phase !== RunPhase.admitted) return;
    if (run.isAborted) return this.ends.threw(run, undefined);
    if (run.headers[Header.lease] !== undefined && (entrance.kind === 'run' || entrance.kind === 'cancel')) this.endings.received(run);
    if (entrance.kind !== 'run') return this.ends.turnedAway(run, entrance);
    if (entrance.args !== undefined && !this.takes(run, entrance.args)) return;
    this.run(run);
  }

  /** Newer arguments, which are of the version of the task. False: it has ended, for they are none that its handler takes. */
  private takes(run: RunningTask, newer: TaskArgument[]): boolean {
    const version = versionIn(run.headers);
    try {
      run.withArguments(versionOf(run.handler) === version ? newer : upgradedArguments(run.handler, version, newer));
      return true;
    } catch (error) {
      this.ends.threw(run, error);
      return false;
    }
  }

  private run(run: RunningTask): void {
    if (!run.step(RunStep.call)) return;
    this.endings.started(run);
    const { timeoutSeconds } = run;
    if (timeoutSeconds) this.limitTime(run, timeoutSeconds);
    // What gates have taken was no fault of the handler.
    const calledAt = run.gated ? clock.elapsed() : run.startedAt;
    let result: unknown;
    try {
      result = this.contexts.run(run);
    } catch (error) {
      this.ends.threw(run, error);
      return;
    } finally {
      this.blockedLoop.letGo(run, calledAt);
    }
    this.ends.returned(run, result);
  }

  private limitTime(run: RunningTask, seconds: number): void {
    if (!run.handler.startsItself) return this.armTimeout(run, seconds);
    run.started = () => {
      if (run.timer === undefined && run.phase === RunPhase.running) this.armTimeout(run, seconds);
    };
  }

  private armTimeout(run: RunningTask, seconds: number): void {
    run.timer = new Timer(seconds * 1000, () => {
      this.ends.overran(run, new TaskTimeoutError(
        `Task "${run.name}" (${run.uuid}) ran longer than its ${seconds} s (timeoutSeconds). `
        + 'Raise the limit, or stop the work when context.signal is aborted.',
        { task: run.name, uuid: run.uuid, timeoutSeconds: seconds }));
    });
  }

  withdraw(run: RunningTask): void {
    this.ends.threw(run, run.abortReason);
  }

  /** The handler has ended, or is no longer waited for, and that is recorded. */
  left(run: RunningTask, ran: boolean): void {
    this.runs.delete(run);
    if (run.takenOver) this.leases?.count();
    try {
      run.release?.(ran);
    } finally {
      this.leftSlot(run, ran);
      run.releaseWaiting();
    }
  }

  /** One among many has none: it is freed when their call has ended. */
  private leftSlot({ seat, startedAt }: RunningTask, ran: boolean): void {
    const now = clock.elapsed();
    if (seat === undefined) this.onEnd(ran ? now - startedAt : undefined, now);
    else seat.left();
  }
}
