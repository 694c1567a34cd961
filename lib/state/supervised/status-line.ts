import { BehaviorSubject, Subject, type Observable } from 'rxjs';
import type { DispatcherError } from '../../errors.js';
import type { ResultBackendEvent, ResultBackendState, ResultBackendStatus } from '../result-backend.js';

/** Where the backend stands, and what it tells of itself. */
export class StatusLine {
  private readonly stateSubject = new BehaviorSubject<ResultBackendState>({ status: 'idle', since: Date.now() });
  private readonly eventSubject = new Subject<ResultBackendEvent>();
  readonly states: Observable<ResultBackendState> = this.stateSubject.asObservable();
  readonly events: Observable<ResultBackendEvent> = this.eventSubject.asObservable();

  get state(): ResultBackendState {
    return this.stateSubject.value;
  }

  become(status: ResultBackendStatus, cause?: DispatcherError): void {
    this.stateSubject.next({ status, since: Date.now(), ...(cause === undefined ? {} : { cause }) });
  }

  emit(event: ResultBackendEvent): void {
    this.eventSubject.next(event);
  }

  closed(): void {
    this.become('closed');
    this.stateSubject.complete();
    this.eventSubject.complete();
  }
}
