import { BrokerRefusedError, BrokerUnavailableError, type DispatcherError, ShutdownError } from '../../errors.js';
import { within } from '../../time/within.js';
import { pauseUntil } from '../../time/pause-until.js';
import { ReadyWaiters } from './ready-waiters.js';
import { pauseBeforeRetry, type ReconnectionOptions } from './reconnection-policy.js';
import { makeStopper } from '../../time/stopper.js';

export type LinkStatus = 'idle' | 'connecting' | 'ready' | 'lost' | 'broken' | 'closed';

/** How connections to one kind of broker are made; `C` is such a connection. */
export interface LinkSettings<C> {
  /** Of whom errors speak, without a password. */
  readonly display: string;
  readonly reconnection: ReconnectionOptions;
  readonly random: () => number;
  /** One attempt. `signal` destroys whatever it has opened at any time, before and after it is connected. */
  open(signal: AbortSignal, listener: ConnectionListener): Promise<C>;
  /** What a failed attempt means. */
  classify(error: unknown): DispatcherError;
  /** In order; may hang. */
  close(connection: C): Promise<void>;
}

/** What a connection tells while it is open. */
export interface ConnectionListener {
  /** Called once, whatever ends the connection. */
  lost(error: Error): void;
  blocked(reason: string): void;
  unblocked(): void;
  warning(message: string): void;
}

/** What a link tells its owner; each call comes after the link's own fields have changed. */
export interface LinkListener<C> {
  /** Runs on each new connection before it counts as ready; a rejection fails the attempt. */
  prepare(connection: C): Promise<void>;
  ready(link: Link<C>, attempt: number): void;
  lost(link: Link<C>, error: DispatcherError): void;
  failed(link: Link<C>, error: DispatcherError, attempt: number, retryInMs: number | undefined): void;
  broken(link: Link<C>, error: DispatcherError): void;
  blockedChanged(link: Link<C>): void;
  warning(message: string): void;
}

/**
 * One connection, kept. Each attempt has an epoch; whatever an older epoch still has to say is
 * ignored, so that a late event cannot disturb its successor.
 */
export class Link<C> {
  status: LinkStatus = 'idle';
  cause: DispatcherError | undefined;
  blockedReason: string | undefined;
  model: C | undefined;
  private epoch = 0;
  private socket = makeStopper();
  private stopping = makeStopper();
  private readonly waiters = new ReadyWaiters<C>();

  constructor(
    readonly settings: LinkSettings<C>,
    private readonly listener: LinkListener<C>,
  ) {}

  /** The first connection. @throws BrokerRefusedError at once; BrokerUnavailableError when the retries are spent; ShutdownError */
  async open(): Promise<void> {
    this.status = 'connecting';
    await this.attemptUntilReady(0, true);
  }

  /** The connection, once it stands. @throws BrokerUnavailableError after `limitMs`, or when the link is broken; ShutdownError */
  whenReady(limitMs?: number): Promise<C> {
    if (this.status === 'ready' && this.model !== undefined) return Promise.resolve(this.model);
    if (this.status === 'closed') return Promise.reject(closing());
    if (this.status === 'broken' || this.status === 'idle') return Promise.reject(this.unavailable());
    return this.waiters.wait(limitMs, () => this.unavailable());
  }

  /** Why nothing can be sent now. */
  unavailable(): BrokerUnavailableError {
    const why = this.status === 'idle' ? 'connect() was not called yet' : (this.cause?.message ?? `its status is "${this.status}"`);
    return new BrokerUnavailableError(
      `Not connected to the broker at ${this.settings.display}: ${why}. Try again once it is back.`,
      { broker: this.settings.display, status: this.status },
      this.cause,
    );
  }

  /** Lets go of everything, as after a failed {@link open}; `open` may be called again. */
  abandon(error: DispatcherError): void {
    this.stopping.abort();
    this.stopping = makeStopper();
    this.epoch++;
    this.model = undefined;
    this.status = 'broken';
    this.cause = error;
    this.socket.abort();
    this.waiters.reject(this.unavailable());
  }

  /** Channels first is the caller's duty: amqplib's close overtakes what they have still to write. */
  async close(limitMs: number): Promise<void> {
    const model = this.status === 'ready' ? this.model : undefined;
    this.status = 'closed';
    this.epoch++;
    this.model = undefined;
    this.stopping.abort();
    this.waiters.reject(closing());
    if (model !== undefined) await within(limitMs, this.settings.close(model).catch(() => undefined));
    this.socket.abort();
  }

  private async attemptUntilReady(retriesMade: number, first: boolean): Promise<void> {
    const { signal } = this.stopping;
    for (let attempt = 1; ; attempt++) {
      const error = await this.attempt(attempt);
      if (error === undefined) return;
      if (signal.aborted) throw closing();
      const refused = error instanceof BrokerRefusedError;
      this.cause = error;
      if (first && !(error instanceof BrokerUnavailableError)) return this.giveUp(error, attempt);
      const pauseMs = pauseBeforeRetry(this.settings.reconnection, retriesMade++, refused, this.settings.random);
      if (pauseMs === undefined) return this.giveUp(error, attempt);
      this.listener.failed(this, error, attempt, pauseMs);
      await pauseUntil(pauseMs, signal);
      if (signal.aborted) throw closing();
    }
  }

  private giveUp(error: DispatcherError, attempt: number): never {
    this.status = 'broken';
    if (attempt > 0) this.listener.failed(this, error, attempt, undefined);
    this.waiters.reject(this.unavailable());
    this.listener.broken(this, error);
    throw error;
  }

  private async attempt(number: number): Promise<DispatcherError | undefined> {
    const epoch = ++this.epoch;
    this.socket = makeStopper();
    const socket = this.socket;
    try {
      const model = await this.settings.open(socket.signal, this.connectionListener(epoch));
      await this.listener.prepare(model);
      if (this.epoch !== epoch) throw this.cause ?? closing();
      this.becomeReady(model, number);
      return undefined;
    } catch (error) {
      // First the epoch: the abort below must not be taken for a lost connection.
      if (this.epoch === epoch) this.epoch++;
      socket.abort();
      return this.settings.classify(error);
    }
  }

  private becomeReady(model: C, attempt: number): void {
    this.status = 'ready';
    this.cause = undefined;
    this.blockedReason = undefined;
    this.model = model;
    this.listener.ready(this, attempt);
    this.waiters.resolve(model);
  }

  private connectionListener(epoch: number): ConnectionListener {
    return {
      lost: (error) => {
        if (this.epoch === epoch) this.loseConnection(error);
      },
      blocked: (reason) => this.setBlocked(epoch, reason),
      unblocked: () => this.setBlocked(epoch, undefined),
      warning: (message) => this.listener.warning(message),
    };
  }

  private setBlocked(epoch: number, reason: string | undefined): void {
    if (this.epoch !== epoch) return;
    this.blockedReason = reason;
    this.listener.blockedChanged(this);
  }

  private loseConnection(cause: Error): void {
    const wasReady = this.status === 'ready';
    this.epoch++;
    this.socket.abort();
    this.model = undefined;
    this.blockedReason = undefined;
    // Lost while it was being prepared: the attempt in progress sees the new epoch and fails.
    this.cause = gone(cause, this.settings.display, wasReady ? 'was lost' : 'broke off while it was being set up');
    if (!wasReady) return;
    this.status = 'lost';
    this.listener.lost(this, this.cause);
    this.reconnect(this.cause).catch(() => undefined);
  }

  private async reconnect(cause: DispatcherError): Promise<void> {
    const pauseMs = pauseBeforeRetry(this.settings.reconnection, 0, false, this.settings.random);
    if (pauseMs === undefined) this.giveUp(cause, 0);
    await pauseUntil(pauseMs, this.stopping.signal);
    if (this.stopping.signal.aborted) return;
    await this.attemptUntilReady(1, false);
  }
}

function gone(cause: Error, where: string, how: string): BrokerUnavailableError {
  const code = (cause as { code?: unknown }).code;
  return new BrokerUnavailableError(`The connection to the broker at ${where} ${how}: ${cause.message}.`, { broker: where, code }, cause);
}

function closing(): ShutdownError {
  return new ShutdownError('The broker connection is closing; nothing new is taken.');
}
