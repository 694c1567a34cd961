import type { EventSink } from '../events/dispatcher-event.js';
import type { Delivery, Topology } from '../brokers/broker.js';
import { ShutdownError } from '../errors.js';
import { deadLetterQueueOf } from '../task/dead-letter-queue.js';
import { clock } from '../time/clock.js';
import { Admission } from './admission.js';
import { Batches, type BatchesHost } from './batches/batches.js';
import { ClosingNotes } from './closing-notes.js';
import type { CancelReasonOf } from './gates/cancel-gate.js';
import { TaskGates } from './gates/task-gates.js';
import { Hold } from './hold.js';
import type { Intake, IntakeHost } from './intake/intake.js';
import { Leases } from './lease/leases.js';
import { aborted, pauseUntil } from '../time/pause-until.js';
import { ResultKeeper } from './result-keeper.js';
import type { Contextual, RunContexts } from './run-contexts.js';
import type { ObservedRun } from './run-observer.js';
import { Settler } from './settler.js';
import type { TaskLogger } from './task-context.js';
import { TaskEndings } from './task-endings.js';
import { TaskRunner } from './task-runner.js';
import { UnrunEndings } from './unrun-endings.js';
import { untoldText } from './untold-text.js';
import type { WorkerConfig } from './worker-config.js';
import type { WorkerActivity, WorkerDependencies } from './worker.js';
import { isWorn } from './worn-delivery.js';
import { makeStopper } from '../time/stopper.js';
import { Timer } from '../time/timer.js';

/** What aborted handlers get, at the end of the time to close, to put things down. */
const AFTER_ABORT_MS = 1_000;
/** How long the gates get to hear of tasks that were given up, before others are given their deliveries. */
const ABANDON_LIMIT_MS = 1_000;

/** Makes the intake of a session; it moves deliveries by the session's settler. */
export type MakeIntake = (host: IntakeHost, settler: Settler, limit: number) => Intake;

/** One period of consuming, from start to close: the slots, and what runs in them. */
export class Session implements IntakeHost, BatchesHost {
  private readonly stop = makeStopper();
  private readonly intake: Intake;
  private readonly admission: Admission;
  private readonly runner: TaskRunner;
  private isOpen = false;
  private hasHalted = false;
  private closing = false;
  private paused = false;
  private switching: Promise<void> = Promise.resolve();
  private readonly batches = new Batches(this);
  /** Slots in use: running handlers, and deliveries that are being moved elsewhere. */
  private busy = 0;
  ended = 0;
  private filling = false;
  private onIdle: (() => void) | undefined;
  private readonly hurrying = makeStopper();
  private whyAborted = 'its time is up';
  private readonly slotsHeld = new Hold(() => this.fill());

  constructor(private readonly config: WorkerConfig, public limit: number, topology: Topology, private readonly dependencies: WorkerDependencies, makeIntake: MakeIntake, private readonly contexts: RunContexts) {
    const { broker, emit, gates, results, lease, format } = dependencies;
    const onProblem = (message: string, error: unknown): void => emit({ type: 'worker.problem', worker: config.name, message, error });
    const settler = new Settler(broker, topology, deadLetterQueueOf(config.queue), this.stop.signal, onProblem, format);
    const keeper = results && new ResultKeeper(results.recorder, results.of, this.stop.signal, onProblem);
    const allGates = gates && gates.length > 0 ? new TaskGates(gates, this.stop.signal, onProblem) : undefined;
    const parts = { config, dependencies, settler, keeper, gates: allGates };
    const endings = new TaskEndings(parts);
    this.intake = makeIntake(this, settler, limit);
    this.runner = new TaskRunner(config.name, dependencies, endings, (durationMs, now) => this.free(durationMs, now),
      { emit, hold: (ms) => this.hold(ms), release: () => this.release(), share: () => this.intake.share(), batches: this.batches }, contexts,
      (runs) => lease && new Leases(lease, settler, runs, { takenOver: (count) => this.intake.setTakenOver(count), refresh: (ms) => this.intake.refresh(ms), onProblem, emit }));
    this.admission = new Admission(dependencies, this.runner, endings, new UnrunEndings(parts), () => this.free(undefined, 0), () => this.stop.signal.aborted);
  }

  /** One switch at a time, the last one winning. The first call opens the session. */
  setPaused(paused: boolean): Promise<void> {
    this.paused = paused;
    if (!this.closing) {
      this.runner.blockedLoop.start();
      this.runner.leases?.start();
    }
    const switched = this.switching.then(() => this.switch());
    this.switching = switched.catch(() => undefined);
    return switched;
  }

  private async switch(): Promise<void> {
    if (this.closing) return;
    if (this.paused && this.isOpen) {
      this.isOpen = false;
      this.hasHalted = true;
      await this.intake.halt();
      this.batches.giveBack('The worker is paused.');
      if (this.isIdle) this.closeHalted();
    }
    if (!this.paused && !this.isOpen) {
      await this.intake.open();
      this.isOpen = true;
      // It was closed while the broker was away.
      if (this.closing) await this.intake.close();
    }
  }

  /** It could not be opened, and is not closed: nothing may be left of it. */
  abandon(): void {
    this.closing = true;
    this.stopWatching();
  }

  /** Running tasks settle on the consumption that they came by: it is closed when none runs. */
  private closeHalted(): void {
    this.hasHalted = false;
    this.intake.closeHalted();
  }

  get activity(): WorkerActivity {
    return { running: this.busy, waiting: this.intake.waiting + this.batches.waiting, ended: this.ended };
  }

  runningMs(): Iterable<number> { return this.runner.runningMs(); }

  get runs(): readonly ObservedRun[] { return this.runner.observed(); }

  cancel(reasonOf: CancelReasonOf): void {
    this.runner.cancel(reasonOf);
  }

  setLimit(limit: number): void {
    this.limit = limit;
    this.intake.setLimit(limit);
    if (!this.closing) this.fill();
  }

  async close(deadlineMs: number): Promise<void> {
    const deadline = clock.elapsed() + deadlineMs;
    this.closing = true;
    this.slotsHeld.end();
    await Promise.race([this.intake.stop(deadlineMs / 2), aborted(this.hurrying.signal)]);
    this.batches.end('The worker is closing.');
    const waitMs = deadline - clock.elapsed() - Math.min(AFTER_ABORT_MS, deadlineMs / 4);
    const notes = new ClosingNotes(this.config.name, () => this.runner.running(), clock.now() + waitMs, this.dependencies.emit);
    try {
      if (!this.hurrying.signal.aborted) await this.idle(waitMs);
    } finally {
      notes.stop();
    }
    if (!this.isIdle) await this.abort(Math.min(AFTER_ABORT_MS, deadline - clock.elapsed()));
    this.stopWatching();
    await this.intake.close();
  }

  /** A close that waits for what runs waits no longer. */
  hurry(cause: string): void {
    this.whyAborted = cause;
    this.hurrying.abort();
    if (this.closing) this.onIdle?.();
  }

  private stopWatching(): void {
    this.runner.blockedLoop.stop();
    this.runner.leases?.stop();
  }

  receive(delivery: Delivery): void {
    if (this.isTaking && this.busy < this.slots) {
      this.busy++;
      this.admission.take(delivery);
    } else {
      this.intake.keep(delivery);
    }
  }

  renews(delivery: Delivery): boolean {
    if (!delivery.redelivered || !this.isTaking || !isWorn(delivery)) return false;
    this.busy++;
    this.admission.renew(delivery);
    return true;
  }

  get freeSlots(): number { return this.slots - this.busy; }

  get isTaking(): boolean { return !this.closing && !this.paused; }

  /** @param now by `clock.elapsed()`; where no handler has run, whatever */
  private free(durationMs: number | undefined, now: number): void {
    this.ended++;
    if (durationMs !== undefined) this.intake.observe(durationMs, now);
    this.freeSlot();
  }

  /** Nothing runs here, and nothing that ran is still to be settled. */
  private get isIdle(): boolean { return this.busy === 0 && this.batches.size === 0; }

  freeSlot(): void {
    this.busy--;
    // A handler that ends at once comes back here from within the loop below; the loop goes on by itself.
    this.fill();
    this.noteIdle();
  }

  takeSlot(): boolean {
    if (this.busy >= this.slots || !this.isTaking) return false;
    this.busy++;
    return true;
  }

  parked(): void {
    this.busy--;
  }

  left(): void {
    this.ended++;
    this.noteIdle();
  }

  setRoom(count: number): void {
    this.intake.setRoom(count);
  }

  shareRoom(): void {
    this.batches.share();
  }

  private noteIdle(): void {
    if (!this.isIdle) return;
    this.onIdle?.();
    if (this.hasHalted && !this.closing) this.closeHalted();
  }

  get worker(): string { return this.config.name; }
  get emit(): EventSink { return this.dependencies.emit; }

  runApart(work: Contextual): unknown {
    return this.contexts.run(work);
  }

  loggerFor(taskName: string, uuid: string): TaskLogger {
    return this.dependencies.loggerFor(taskName, uuid);
  }

  fill(): void {
    if (this.filling) return;
    this.filling = true;
    try {
      while (this.busy < this.slots && this.isTaking) {
        if (this.batches.callNext()) continue;
        const next = this.intake.next();
        if (next === undefined) break;
        this.busy++;
        this.admission.take(next);
      }
    } finally {
      this.filling = false;
    }
  }

  private get slots(): number { return Math.min(this.limit, this.slotsHeld.slots); }

  /** What is held back stays here unsettled: with a prefetch of one the broker sends no other. The rest goes to whoever can run it. */
  private hold(milliseconds: number): void {
    if (this.closing) return;
    this.slotsHeld.start(milliseconds);
    this.intake.hold();
    this.batches.giveBack('Nothing is started for now: a circuit is open.');
  }

  private release(): void {
    this.slotsHeld.end();
    if (this.closing) return;
    this.intake.release();
    this.fill();
  }

  private async abort(graceMs: number): Promise<void> {
    const reason = new ShutdownError('The dispatcher is shutting down, and waits no longer (shutdownTimeoutSeconds, or a second signal). '
      + 'The task goes back to its queue; another worker runs it.');
    const running = this.runner.running();
    if (running.length > 0) this.dependencies.emit({ type: 'worker.aborting', worker: this.config.name, running, cause: this.whyAborted });
    this.runner.abort(reason);
    this.batches.abort(reason);
    this.stop.abort(reason);
    await this.idle(graceMs);
    const { untold, told } = this.runner.abandon();
    const over = new AbortController();
    void told.then(() => over.abort());
    await pauseUntil(ABANDON_LIMIT_MS, over.signal);
    if (untold.size > 0) this.emit({ type: 'worker.problem', worker: this.worker, message: untoldText([...untold].map((run) => run.identity())) });
  }

  /** Resolves when every slot is free, or when the time is up. */
  private idle(limitMs: number): Promise<void> {
    if (this.isIdle) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel();
        this.onIdle = undefined;
        resolve();
      };
      const timer = new Timer(limitMs, done);
      this.onIdle = done;
    });
  }
}
