import type { EventSink } from '../events/dispatcher-event.js';
import { messageOf } from '../task/error-text.js';
import { clock, type ClockTimer } from '../time/clock.js';
import type { Application } from './application.js';
import type { Placement } from './placement/placement.js';
import { startWarnings } from './placement/start-warnings.js';
import type { ManagedWorker, WorkerRegistry } from './worker-registry.js';

/** While a module is being loaded, its providers are made one after the other; some wait for something, or for ever. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 10_000;

export interface LateModulesDependencies {
  readonly application: Pick<Application, 'moduleCount' | 'isLoading'>;
  readonly workers: Pick<WorkerRegistry, 'list' | 'gain' | 'add'>;
  readonly placement: () => Placement;
  /** @throws ConfigurationError; what was known before holds on then */
  readonly placeAnew: () => Placement;
  /** Declares the queues, and lets these workers consume. Until it has ended, nothing is published. */
  readonly start: (workers: readonly ManagedWorker[]) => Promise<void>;
  readonly consumes: boolean;
  readonly emit: EventSink;
}

/**
 * Modules that are loaded while the application runs (Nest's `LazyModuleLoader`): workers that run take their tasks too,
 * and the workers that they bring are started. Nest tells nobody, so it is looked where a name is unknown, and where a
 * feature comes; where no module has come, a look is a comparison.
 */
export class LateModules {
  /** `undefined` while the application has not started, and when it ends: then nothing is news. */
  private seen: number | undefined;
  private again: ClockTimer | undefined;
  private pauseMs = FIRST_PAUSE_MS;

  constructor(private readonly dependencies: LateModulesDependencies) {}

  /** From now on what comes is news. */
  begin(): void {
    this.seen = this.dependencies.application.moduleCount();
  }

  end(): void {
    this.seen = undefined;
    clock.clear(this.again);
  }

  /** True where something has come. Never throws: a mistake in a module that comes late is told, and all else goes on. */
  look(): boolean {
    const { application } = this.dependencies;
    const count = application.moduleCount();
    if (this.seen === undefined || this.seen === count) return false;
    if (application.isLoading()) {
      this.lookAgain();
      return false;
    }
    clock.clear(this.again);
    this.again = undefined;
    this.pauseMs = FIRST_PAUSE_MS;
    this.seen = count;
    try {
      this.take();
    } catch (error) {
      this.warn(`A module was loaded whose tasks or workers cannot be taken. ${messageOf(error)}`);
    }
    return true;
  }

  private lookAgain(): void {
    if (this.again !== undefined) return;
    this.again = clock.setTimeout(() => {
      this.again = undefined;
      this.look();
    }, this.pauseMs).unref();
    this.pauseMs = Math.min(this.pauseMs * 2, LONGEST_PAUSE_MS);
  }

  private take(): void {
    const { workers, placement, placeAnew, start } = this.dependencies;
    const known = placement().tasks;
    const { workers: configured, tasks } = placeAnew();
    const before = new Set(workers.list().map(({ name }) => name));
    const more = configured.filter(({ name }) => !before.has(name));
    workers.gain(more);
    const added = workers.add(more);
    this.warnOf(new Map([...tasks].filter(([name]) => !known.has(name))), added);
    start(added).catch((error: unknown) => this.warn(`The queues or workers of a module that was loaded cannot be used. ${messageOf(error)}`));
  }

  /** As at the start, of what is new. */
  private warnOf(tasks: Placement['tasks'], added: readonly ManagedWorker[]): void {
    if (!this.dependencies.consumes) return;
    const idle = added.filter(({ taskNames }) => taskNames.length === 0);
    for (const message of startWarnings(this.dependencies.workers.list(), tasks, idle)) this.warn(message);
  }

  private warn(message: string): void {
    this.dependencies.emit({ type: 'worker.warning', message });
  }
}
