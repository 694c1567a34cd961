import { BehaviorSubject, Subject } from 'rxjs';
import { BrokerUnavailableError, type DispatcherError } from '../../errors.js';
import { clock } from '../../time/clock.js';
import type { BrokerEvent, BrokerState } from '../broker.js';
import { worstStatus, type LinkView } from './broker-status.js';

/** Makes one state and one stream of events out of the connections' many: an outage is told once. */
export class BrokerMonitor {
  readonly states = new BehaviorSubject<BrokerState>({ status: 'idle', since: clock.now() });
  readonly events = new Subject<BrokerEvent>();
  private override: 'closing' | 'closed' | undefined;
  private attempts = 0;
  private reportedAttempt = 0;
  private brokenTold = false;
  private everReady = false;

  constructor(private readonly links: readonly LinkView[]) {}

  get state(): BrokerState {
    return this.states.value;
  }

  emit(event: BrokerEvent): void {
    this.events.next(event);
  }

  ready(attempt: number): void {
    this.attempts = Math.max(this.attempts, attempt);
    const before = this.state.status;
    this.refresh();
    const { status } = this.state;
    if (status !== before && (status === 'ready' || status === 'blocked')) {
      this.everReady = true;
      this.emit({ type: 'broker.connected', attempt: this.attempts });
      this.attempts = this.reportedAttempt = 0;
      this.brokenTold = false;
    }
  }

  lost(error: DispatcherError): void {
    const before = this.state.status;
    this.refresh();
    if (before === 'ready' || before === 'blocked') this.emit({ type: 'broker.connection-lost', error });
  }

  failed(error: DispatcherError, attempt: number, retryInMs: number | undefined): void {
    this.refresh();
    if (this.override !== undefined || attempt <= this.reportedAttempt) return;
    this.reportedAttempt = attempt;
    this.emit({ type: 'broker.connect-failed', error, attempt, ...(retryInMs === undefined ? {} : { retryInMs }) });
  }

  broken(error: DispatcherError): void {
    this.refresh();
    if (this.brokenTold || !this.everReady) return;
    this.brokenTold = true;
    this.emit({ type: 'broker.broken', error });
  }

  blockedChanged(): void {
    const before = this.state.status;
    this.refresh();
    const reason = this.links.find((link) => link.blockedReason !== undefined)?.blockedReason;
    if (reason !== undefined && before !== 'blocked') this.emit({ type: 'broker.blocked', reason });
    if (reason === undefined && before === 'blocked') this.emit({ type: 'broker.unblocked' });
  }

  closing(): void {
    this.override = 'closing';
    this.refresh();
  }

  closed(): void {
    this.override = 'closed';
    this.refresh();
    this.states.complete();
    this.events.complete();
  }

  /** Reads the connections anew; a change is a new state. */
  refresh(): void {
    const { status, cause, blockedReason } = worstStatus(this.links);
    const next = this.override ?? status;
    if (next === this.state.status && cause === this.state.cause) return;
    const since = next === this.state.status ? this.state.since : clock.now();
    this.states.next({ status: next, since, ...causeOf(next, cause, blockedReason) });
  }
}

function causeOf(status: BrokerState['status'], cause: DispatcherError | undefined, blockedReason: string | undefined): { cause?: DispatcherError } {
  if (status === 'blocked' && blockedReason !== undefined) return { cause: new BrokerUnavailableError(`The broker takes no messages for now: ${blockedReason}. Relieve its memory or disk.`, { reason: blockedReason }) };
  return cause === undefined || status === 'ready' ? {} : { cause };
}
