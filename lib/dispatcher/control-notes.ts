import type { Broker } from '../brokers/broker.js';
import { Cancellations } from '../control/cancellations.js';
import { FailureNotes } from '../control/failure-notes.js';
import { Pauses } from '../control/pauses.js';
import { Takers } from '../control/takers.js';
import { WorkerLimits } from '../control/worker-limits.js';
import type { EventSink } from '../events/dispatcher-event.js';
import type { StateBackend } from '../state/state-backend.js';
import { clock } from '../time/clock.js';
import type { CancelReasonOf } from '../worker/gates/cancel-gate.js';
import { calledOffBy } from './called-off.js';
import { messageOf } from '../task/error-text.js';
import type { ManagedWorker } from './worker-registry.js';

export interface ControlNotesDependencies {
  readonly broker: Broker;
  readonly exchange: string;
  /** What all processes on the exchange remember together. */
  readonly backend: () => Promise<StateBackend>;
  /** Those of this process. */
  readonly workers: () => readonly ManagedWorker[];
  /** Schedules obey pauses too. */
  readonly onPausesChanged: () => void;
  readonly emit: EventSink;
}

/** What is paused, limited and cancelled on the exchange, and who takes what; and the workers of this process, which obey it. */
export class ControlNotes {
  readonly pauses: Pauses;
  readonly limits: WorkerLimits;
  readonly cancellations: Cancellations;
  readonly takers: Takers;
  readonly failureNotes: FailureNotes;
  readonly calledOff: CancelReasonOf;

  constructor(private readonly dependencies: ControlNotesDependencies) {
    const { broker, exchange, backend, workers, emit } = dependencies;
    const problem = (message: string, error: unknown): void => emit({ type: 'broker.warning', message: `${message} ${messageOf(error)}` });
    this.pauses = new Pauses(broker, exchange, { changed: () => this.pausesChanged(), problem }, clock.date);
    this.limits = new WorkerLimits(broker, exchange, { changed: () => { for (const worker of workers()) this.applyLimit(worker); }, problem }, clock.date);
    this.cancellations = new Cancellations(broker, exchange, {
      changed: () => { for (const worker of workers()) worker.cancel(this.calledOff); },
      problem,
    }, clock.now);
    this.failureNotes = new FailureNotes(broker, exchange, { changed: () => undefined, problem });
    this.takers = new Takers({ broker, exchange, backend, workers: () => workers().filter(({ consuming }) => consuming), problem, now: clock.now });
    this.calledOff = calledOffBy(this.cancellations);
  }

  /** All are known when it resolves, if they can be. Never rejects. */
  async watch(): Promise<void> {
    await Promise.all([this.pauses.watch(), this.limits.watch(), this.cancellations.watch(), this.takers.watch()]);
  }

  async stop(): Promise<void> {
    await Promise.all([this.pauses.stop(), this.limits.stop(), this.cancellations.stop(), this.takers.stop(), this.failureNotes.stop()]);
  }

  /** For a worker that is new here. */
  apply(worker: ManagedWorker): void {
    this.applyLimit(worker);
    this.applyPauses(worker);
  }

  private applyLimit(worker: ManagedWorker): void {
    worker.setSharedLimit(this.limits.of(worker.name));
  }

  private applyPauses(worker: ManagedWorker): void {
    const { name, queue } = worker;
    worker.setPaused(this.pauses.isPaused('queue', queue) || this.pauses.isPaused('worker', name)).catch((error: unknown) => {
      this.dependencies.emit({ type: 'worker.problem', worker: name, message: 'It could not consume again after a pause; pausing and resuming it tries again', error });
    });
  }

  private pausesChanged(): void {
    for (const worker of this.dependencies.workers()) this.applyPauses(worker);
    this.dependencies.onPausesChanged();
  }
}
