import { BehaviorSubject, Subject, type Observable } from 'rxjs';
import type { DispatcherError } from '../../errors.js';
import { clock } from '../../time/clock.js';
import type { StateBackendEvent, StateBackendState, StateBackendStatus } from '../state-backend.js';

/** Where the backend stands, and what it tells of itself. */
export class StatusLine {
  private readonly stateSubject = new BehaviorSubject<StateBackendState>({ status: 'idle', since: clock.now() });
  private readonly eventSubject = new Subject<StateBackendEvent>();
  readonly states: Observable<StateBackendState> = this.stateSubject.asObservable();
  readonly events: Observable<StateBackendEvent> = this.eventSubject.asObservable();

  get state(): StateBackendState {
    return this.stateSubject.value;
  }

  become(status: StateBackendStatus, cause?: DispatcherError): void {
    this.stateSubject.next({ status, since: clock.now(), ...(cause === undefined ? {} : { cause }) });
  }

  emit(event: StateBackendEvent): void {
    this.eventSubject.next(event);
  }

  closed(): void {
    this.become('closed');
    this.stateSubject.complete();
    this.eventSubject.complete();
  }
}
