import {
  DispatcherError, ResultBackendError, ResultBackendTimeoutError, ResultBackendUnavailableError, ShutdownError,
} from '../../errors.js';
import { clock, type ClockTimer } from '../../time/clock.js';
import type { CompleteResultBackendOptions } from '../result-backend-options.js';
import type { ResultStore, StoreListener } from '../result-store.js';
import type { StatusLine } from './status-line.js';
import { atMost, within } from './time-limit.js';
import { pauseUntil } from '../../time/pause-until.js';
import { makeStopper } from '../../time/stopper.js';

type LinkStatus = 'idle' | 'connecting' | 'ready' | 'lost' | 'closed';

interface Waiter { resolve(): void; reject(error: DispatcherError): void }

/** What the link tells its owner. */
export interface LinkOwner {
  /** The connection stands, for the first time or again: what it pushed in between is missed. */
  connected(): void;
  changed(key: string, value?: Buffer): void;
}

/**
 * A store's connection, kept. Each attempt has an epoch; what an older epoch still has to say is
 * ignored, so that a late event cannot disturb its successor.
 */
export class StoreLink {
  private status: LinkStatus = 'idle';
  private epoch = 0;
  private cause: DispatcherError | undefined;
  private opening: Promise<void> | undefined;
  private readonly stopping = makeStopper();
  private readonly waiters = new Set<Waiter>();
  private heartbeat: ClockTimer | undefined;
  private probing = false;

  constructor(
    private readonly store: ResultStore,
    private readonly options: CompleteResultBackendOptions,
    private readonly line: StatusLine,
    private readonly owner: LinkOwner,
  ) {}

  get isReady(): boolean {
    return this.status === 'ready';
  }

  connect(): Promise<void> {
    if (this.status === 'closed') return Promise.reject(this.closedError());
    return (this.opening ??= this.open().catch((error: unknown) => {
      this.opening = undefined;
      throw error;
    }));
  }

  /** @throws ResultBackendUnavailableError after that time, or at once when `connect` was not called; ShutdownError */
  whenReady(limitMs: number): Promise<void> {
    if (this.status === 'ready') return Promise.resolve();
    if (this.status === 'closed') return Promise.reject(this.closedError());
    if (this.status === 'idle') return Promise.reject(this.unavailable());
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        clock.clear(timer);
        this.waiters.delete(waiter);
        act();
      };
      const waiter: Waiter = { resolve: () => settle(resolve), reject: (error) => settle(() => reject(error)) };
      const timer = clock.setTimeout(() => waiter.reject(this.unavailable()), limitMs);
      this.waiters.add(waiter);
    });
  }

  /** An operation had no answer in time: is the connection still one? */
  suspect(): void {
    if (this.probing || this.status !== 'ready') return;
    this.probing = true;
    const { epoch } = this;
    within(this.options.operationTimeoutMs / 2, this.store.ping(), () => this.silent(), this.stopping.signal)
      .catch((error: unknown) => this.lose(epoch, this.asError(error)))
      .finally(() => { this.probing = false; });
  }

  /** Names the present connection. */
  get connection(): number {
    return this.epoch;
  }

  /** An operation failed because that connection is gone; there may be another one by now. */
  lost(connection: number, error: DispatcherError): void {
    this.lose(connection, error);
  }

  /** No new operation passes from here on; those under way still can. */
  stopAdmitting(): void {
    this.status = 'closed';
    this.stopping.abort();
    clock.clear(this.heartbeat);
    for (const waiter of [...this.waiters]) waiter.reject(this.closedError());
  }

  async close(limitMs: number): Promise<void> {
    this.epoch++;
    await atMost(limitMs, this.store.close());
    this.store.drop();
  }

  closedError(): ShutdownError {
    return new ShutdownError(`The result backend at ${this.store.display} was closed and takes no more calls.`);
  }

  private async open(): Promise<void> {
    this.status = 'connecting';
    this.line.become('connecting');
    const deadline = clock.elapsed() + this.options.connectTimeoutMs;
    for (let attempt = 1; ; attempt++) {
      const error = await this.attempt(attempt, deadline - clock.elapsed());
      if (error === undefined) return;
      if (this.stopping.signal.aborted) throw this.closedError();
      const retryInMs = this.pauseAfter(attempt);
      if (!error.retryable || clock.elapsed() + retryInMs >= deadline) throw this.openFailed(error, attempt);
      this.line.emit({ type: 'results.connect-failed', error, attempt, retryInMs });
      await pauseUntil(retryInMs, this.stopping.signal);
    }
  }

  private openFailed(error: DispatcherError, attempt: number): DispatcherError {
    this.status = 'idle';
    this.cause = error;
    this.line.emit({ type: 'results.connect-failed', error, attempt });
    this.line.become('idle', error);
    for (const waiter of [...this.waiters]) waiter.reject(this.unavailable());
    return error.retryable ? this.unavailable() : error;
  }

  private async attempt(number: number, limitMs: number): Promise<DispatcherError | undefined> {
    if (this.stopping.signal.aborted) return this.closedError();
    const epoch = ++this.epoch;
    try {
      await within(Math.min(limitMs, this.options.operationTimeoutMs), this.store.connect(this.listener(epoch)), () => this.silent(), this.stopping.signal);
      if (this.epoch !== epoch || this.stopping.signal.aborted) throw this.cause ?? this.closedError();
      this.becomeReady(number);
      return undefined;
    } catch (error) {
      if (this.epoch === epoch) this.epoch++;
      this.store.drop();
      return this.asError(error);
    }
  }

  private becomeReady(attempt: number): void {
    this.status = 'ready';
    this.cause = undefined;
    this.heartbeat = clock.setInterval(() => this.suspect(), this.options.heartbeatMs).unref();
    this.line.become('ready');
    this.line.emit({ type: 'results.connected', attempt });
    this.owner.connected();
    for (const waiter of [...this.waiters]) waiter.resolve();
  }

  private listener(epoch: number): StoreListener {
    return {
      lost: (error) => this.lose(epoch, error),
      blocked: (error) => this.blocked(epoch, error),
      changed: (key, value) => { if (this.epoch === epoch) this.owner.changed(key, value); },
      warning: (message) => this.line.emit({ type: 'results.warning', message }),
    };
  }

  private blocked(epoch: number, error: DispatcherError | undefined): void {
    if (this.epoch !== epoch || this.status !== 'ready') return;
    this.line.become(error === undefined ? 'ready' : 'blocked', error);
    this.line.emit(error === undefined ? { type: 'results.unblocked' } : { type: 'results.blocked', reason: error.message });
  }

  private lose(epoch: number, error: DispatcherError): void {
    if (this.epoch !== epoch || this.status === 'closed') return;
    this.cause = error;
    this.epoch++;
    // While connecting, the attempt under way sees the new epoch and fails.
    if (this.status !== 'ready') return;
    clock.clear(this.heartbeat);
    this.status = 'lost';
    this.store.drop();
    this.line.become('lost', error);
    this.line.emit({ type: 'results.connection-lost', error });
    void this.reconnect();
  }

  /** Goes on until it succeeds or the backend is closed: even a refusal may be mended meanwhile. */
  private async reconnect(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      await pauseUntil(this.pauseAfter(attempt), this.stopping.signal);
      if (this.stopping.signal.aborted) return;
      const error = await this.attempt(attempt, Infinity);
      if (error === undefined || this.stopping.signal.aborted) return;
      this.cause = error;
      this.line.emit({ type: 'results.connect-failed', error, attempt, retryInMs: this.pauseAfter(attempt + 1) });
    }
  }

  private pauseAfter(attempt: number): number {
    const { reconnectMinMs, reconnectMaxMs } = this.options;
    return Math.min(reconnectMaxMs, reconnectMinMs * 2 ** Math.min(attempt - 1, 30));
  }

  private unavailable(): ResultBackendUnavailableError {
    const why = this.cause?.message ?? (this.status === 'idle' ? 'connect() was not called yet.' : 'it does not answer yet.');
    return new ResultBackendUnavailableError(`Not connected to the result backend at ${this.store.display}: ${why} Try again once it is back.`,
      { backend: this.store.display, status: this.status }, this.cause);
  }

  private silent(): ResultBackendTimeoutError {
    return new ResultBackendTimeoutError(`The result backend at ${this.store.display} does not answer. Check that it runs and can be reached.`, { backend: this.store.display });
  }

  private asError(error: unknown): DispatcherError {
    if (error instanceof DispatcherError) return error;
    return new ResultBackendError(`The result backend at ${this.store.display} failed: ${(error as Error).message}.`, { backend: this.store.display }, error);
  }
}
