import { DispatcherError } from '../errors.js';
import type { TaskHeaders } from '../task/task.js';

/** Thrown inside a worker: this task is not run now. It waits in its queue again, uncharged, as if it had not been taken. */
export class GiveBack extends DispatcherError {
  constructor(readonly seconds: number, readonly reason: string, readonly headers: TaskHeaders = {}) {
    super('ERR_DISPATCHER_GIVEN_BACK', reason, {}, { retryable: true });
  }
}
