import { BehaviorSubject, Subject, type Observable } from 'rxjs';
import type { DispatcherError } from '../../errors.js';
import type { BrokerEvent, BrokerState, BrokerStatus } from '../broker.js';
import type { Clock } from '../store/clock.js';

/** Where the broker stands, and what it tells of itself. */
export class BrokerStatusLine {
  private readonly stateSubject: BehaviorSubject<BrokerState>;
  private readonly eventSubject = new Subject<BrokerEvent>();
  readonly states: Observable<BrokerState>;
  readonly events: Observable<BrokerEvent> = this.eventSubject.asObservable();

  constructor(private readonly clock: Clock) {
    this.stateSubject = new BehaviorSubject<BrokerState>({ status: 'idle', since: clock.now() });
    this.states = this.stateSubject.asObservable();
  }

  get state(): BrokerState {
    return this.stateSubject.value;
  }

  become(status: BrokerStatus, cause?: DispatcherError): void {
    if (this.state.status === 'closed') return;
    const since = this.clock.now();
    this.stateSubject.next(cause === undefined ? { status, since } : { status, since, cause });
  }

  emit(event: BrokerEvent): void {
    this.eventSubject.next(event);
  }

  closed(): void {
    this.become('closed');
    this.stateSubject.complete();
    this.eventSubject.complete();
  }
}
