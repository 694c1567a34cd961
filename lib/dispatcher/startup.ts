import { EMPTY, merge, type Observable, type Subscription } from 'rxjs';
import type { Broker, QueueDeclaration } from '../brokers/broker.js';
import { BrokerUnavailableError, ConfigurationError, ShutdownError } from '../errors.js';
import type { DispatcherEvent, EventSink } from '../events/dispatcher-event.js';
import type { StateBackend } from '../state/state-backend.js';
import { isA, messageOf } from '../task/error-text.js';
import { pauseUntil } from '../time/pause-until.js';
import { makeStopper } from '../time/stopper.js';
import { Timer } from '../time/timer.js';
import { withoutPassword } from '../urls/credentials.js';
import type { ResolvedConfig } from './config/resolve-config.js';

/** What was refused does not pass by itself: often enough to notice that it was mended, too seldom to lock an account. */
const AGAIN_MS = 60_000;

export interface StartupDependencies {
  readonly broker: Broker;
  readonly backend: StateBackend | undefined;
  /** To be declared. */
  readonly queues: () => readonly QueueDeclaration[];
  readonly config: Pick<ResolvedConfig, 'broker' | 'startup' | 'startupTimeoutMs' | 'publishTimeoutMs' | 'reconnection'>;
  readonly emit: EventSink;
}

/** The first connection and what follows from it, as the option `startup` says: waited for, in the background, or tried once. */
export class Startup {
  private readonly stopping = makeStopper();

  constructor(private readonly dependencies: StartupDependencies) {}

  /** How long those wait for it who may not wait as long as it takes; `undefined`: it has an end of its own. */
  get waitLimitMs(): number | undefined {
    const { startup, publishTimeoutMs } = this.dependencies.config;
    return startup === 'background' ? publishTimeoutMs : undefined;
  }

  /**
   * The first connection, and the first declarations.
   *
   * @throws BrokerUnavailableError with the last failure as its cause, or what the broker refuses
   */
  connect(): Promise<void> {
    if (this.dependencies.config.startup !== 'background') return this.withinLimit(() => this.connectOnce());
    return this.persist(() => this.connectOnce());
  }

  /** One part of the start. In the background it is tried until it works, or until {@link stop}. */
  async persist<T>(step: () => Promise<T>): Promise<T> {
    const { config: { startup, reconnection }, emit } = this.dependencies;
    const { signal } = this.stopping;
    for (;;) {
      if (signal.aborted) throw stopped();
      try {
        return await step();
      } catch (error) {
        if (startup !== 'background' || signal.aborted) throw error;
        const isLast = reconnection.retries !== 'forever' || isA(error, ConfigurationError);
        emit({ type: 'broker.start-failed', error, ...(isLast ? {} : { retryInMs: AGAIN_MS }) });
        if (isLast) throw error;
        await pauseUntil(AGAIN_MS, signal);
      }
    }
  }

  /** Nothing is tried any more. */
  stop(): void {
    this.stopping.abort();
  }

  /** Why somebody waits no longer. */
  notYet(): BrokerUnavailableError {
    const { broker, config: { publishTimeoutMs } } = this.dependencies;
    return this.unavailable(`is not connected yet, after ${publishTimeoutMs / 1000} s of waiting (publishTimeoutSeconds)`, broker);
  }

  private async connectOnce(): Promise<void> {
    const { broker, backend, queues } = this.dependencies;
    await Promise.all([broker.connect(), backend?.connect()]);
    await broker.declare({ queues: queues() });
  }

  /** Brokers may be told to try for ever; an application that cannot start should say so. */
  private async withinLimit(start: () => Promise<void>): Promise<void> {
    const { broker, config: { startupTimeoutMs, startup } } = this.dependencies;
    let timer: Timer | undefined;
    let failures: Subscription | undefined;
    const ended = new Promise<never>((_, reject) => {
      timer = new Timer(startupTimeoutMs, () => reject(this.unavailable(`could not be used within ${startupTimeoutMs / 1000} s (startupTimeoutSeconds)`, broker)));
      if (startup === 'fail-fast') failures = this.events().subscribe((event) => { if (isFailure(event)) reject(event.error); });
    });
    try {
      await Promise.race([start(), ended]);
    } finally {
      timer?.cancel();
      failures?.unsubscribe();
    }
  }

  private events(): Observable<DispatcherEvent> {
    const { broker, backend } = this.dependencies;
    return merge(broker.events, backend?.events ?? EMPTY);
  }

  private unavailable(what: string, { state: { cause, status } }: Broker): BrokerUnavailableError {
    return new BrokerUnavailableError(
      `The broker at ${withoutPassword(this.dependencies.config.broker.reveal())} ${what}; its state is "${status}". `
      + `${cause === undefined ? '' : `Last failure: ${messageOf(cause)} `}Check that it runs and that the URL is right.`, { status }, cause);
  }
}

function isFailure(event: DispatcherEvent): event is Extract<DispatcherEvent, { type: 'broker.connect-failed' | 'results.connect-failed' }> {
  return event.type === 'broker.connect-failed' || event.type === 'results.connect-failed';
}

function stopped(): ShutdownError {
  return new ShutdownError('The dispatcher is closing; the start is given up.');
}
