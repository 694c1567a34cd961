import type { Broker, BrokerStatus } from '../brokers/broker.js';
import type { EventSink } from '../events/dispatcher-event.js';
import { clock } from '../time/clock.js';
import { Timer } from '../time/timer.js';
import type { StartupMode } from './config/server-config.js';

/** Every few seconds while somebody may be watching, and then every minute. */
const OFTEN_MS = 5_000;
const SELDOM_MS = 60_000;
const OFTEN_FOR_MS = 60_000;

export interface AbsenceDependencies {
  readonly broker: Pick<Broker, 'states' | 'state' | 'events'>;
  readonly startup: StartupMode;
  readonly startupTimeoutMs: number;
  readonly emit: EventSink;
  /** Milliseconds since 1970, for what people read. */
  readonly now: () => number;
}

/** Says again and again that the broker is not there yet, or not there again, why, and what happens next. */
export class AbsenceWatch {
  private everReady = false;
  private timer: Timer | undefined;
  private since = 0;
  /** By the clock of people. */
  private began = 0;
  private attempt = 0;
  private retryAt: number | undefined;

  constructor(private readonly dependencies: AbsenceDependencies) {
    const { broker } = dependencies;
    broker.events.subscribe((event) => {
      if (event.type !== 'broker.connect-failed') return;
      this.attempt = event.attempt;
      this.retryAt = event.retryInMs === undefined ? undefined : clock.elapsed() + event.retryInMs;
    });
    broker.states.subscribe({ next: ({ status }) => this.become(status), complete: () => this.end() });
  }

  private become(status: BrokerStatus): void {
    if (status === 'ready' || status === 'blocked') this.everReady = true;
    if (status !== 'connecting' && status !== 'lost') return this.end();
    if (this.timer !== undefined) return;
    this.since = clock.elapsed();
    this.began = this.dependencies.now();
    this.attempt = 0;
    this.retryAt = undefined;
    this.sayIn(OFTEN_MS);
  }

  private end(): void {
    this.timer?.cancel();
    this.timer = undefined;
  }

  private sayIn(milliseconds: number): void {
    this.timer = new Timer(milliseconds, () => {
      this.say();
      this.sayIn(clock.elapsed() - this.since < OFTEN_FOR_MS ? OFTEN_MS : SELDOM_MS);
    });
  }

  private say(): void {
    const { broker, startup, startupTimeoutMs, emit } = this.dependencies;
    const { cause } = broker.state;
    const left = this.retryAt === undefined ? undefined : Math.max(0, this.retryAt - clock.elapsed());
    emit({
      type: 'broker.awaited', attempt: this.attempt, seconds: Math.round((clock.elapsed() - this.since) / 1000), first: !this.everReady,
      ...(cause === undefined ? {} : { error: cause }),
      ...(left === undefined ? {} : { retryInMs: left }),
      ...(this.everReady || startup === 'background' ? {} : { until: this.began + startupTimeoutMs }),
    });
  }
}
