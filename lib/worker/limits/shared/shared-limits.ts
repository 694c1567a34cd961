import { ResultBackendUnavailableError } from '../../../errors.js';
import type { EventSink } from '../../../events/dispatcher-event.js';
import type { StateBackend } from '../../../state/state-backend.js';
import { clock } from '../../../time/clock.js';
import { pauseUntil } from '../../../time/pause-until.js';
import type { TaskLimitOptions } from '../limit-options.js';
import { Lease } from './lease.js';
import { NameLimits, type Entered } from './name-limits.js';
import type { SemaphoreHost } from './semaphore.js';
import { makeStopper } from '../../../time/stopper.js';

const MOST_CLOSING_MS = 2_000;
const LOOK_EVERY_MS = 10;

/**
 * Limits that hold for all processes on an exchange, as one process takes part in them. Nothing is asked of the
 * backend, and no timer runs, before a task with such a limit comes.
 */
export class SharedLimits implements SemaphoreHost {
  readonly lease: Lease;
  private readonly names = new Map<string, NameLimits>();
  private readonly stopping = makeStopper();

  constructor(private readonly exchange: string, readonly backend: () => Promise<StateBackend>, takeoverMs: number, emit: EventSink) {
    this.lease = new Lease(`limit:${encodeURIComponent(exchange)}:by:`, takeoverMs, {
      backend,
      isHolding: () => this.held > 0,
      tick: () => this.refresh(false),
      lost: (error) => {
        emit({ type: 'limits.lease-lost', held: this.held, error });
        this.refresh(true);
      },
    });
  }

  get stopped(): AbortSignal { return this.stopping.signal; }

  /** Takes what a start needs, all or nothing. @throws what the backend throws; nothing is taken then */
  async enter(task: string, options: TaskLimitOptions, key: string | undefined): Promise<Entered> {
    const { state } = await this.backend();
    // Waiting for it would keep the slot from tasks that need no limit.
    if (state.status !== 'ready') throw new ResultBackendUnavailableError(`What keeps the limits across processes is away (its state is "${state.status}").`, { status: state.status }, state.cause);
    let limits = this.names.get(task);
    if (limits === undefined) {
      limits = new NameLimits(this, `limit:${encodeURIComponent(this.exchange)}:${encodeURIComponent(task)}`, options);
      this.names.set(task, limits);
    }
    return limits.enter(key);
  }

  /** Writes down what was given back, as far as that is possible in the time; the rest is free when the lease ends. */
  async close(deadlineMs: number): Promise<void> {
    const deadline = clock.elapsed() + Math.min(deadlineMs, MOST_CLOSING_MS);
    while (!this.isSettled && !this.stopped.aborted && clock.elapsed() < deadline) await pauseUntil(LOOK_EVERY_MS, this.stopped);
    const settled = this.isSettled && this.held === 0;
    this.stopping.abort();
    this.lease.stop();
    if (settled) await this.lease.resign().catch(() => undefined);
  }

  private get held(): number {
    let held = 0;
    for (const limits of this.names.values()) for (const semaphore of limits.semaphores()) held += semaphore.places;
    return held;
  }

  private get isSettled(): boolean {
    for (const limits of this.names.values()) for (const semaphore of limits.semaphores()) if (!semaphore.isSettled) return false;
    return true;
  }

  private refresh(force: boolean): void {
    for (const limits of this.names.values()) for (const semaphore of limits.semaphores()) semaphore.refresh(force);
  }
}
