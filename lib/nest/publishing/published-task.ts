import type { DispatcherError } from '../../errors.js';
import type { ResultOptions, TaskResults } from '../results/task-results.js';

/** A task that the broker has taken responsibility for. @publicApi */
export class PublishedTask {
  readonly #results: TaskResults;

  /** Made by `publish`. */
  constructor(readonly uuid: string, results: TaskResults) {
    this.#results = results;
  }

  /**
   * What the handler returned, once the task has ended. It is kept only where it is asked for: `result: true` on the
   * task or at `publish`, or `results: 'all'`.
   *
   * @throws TaskFailedError when the task failed, with the handler's error as `cause`
   * @throws ResultWaitTimeoutError when it has not ended in time; it goes on
   * @throws ConfigurationError where no result backend is configured
   */
  async result(options?: ResultOptions): Promise<unknown> {
    return this.#results.handle(this.uuid).result(options);
  }
}

/** What became of one task of `publishMany`, at the same place in the list. @publicApi */
export type PublishOutcome =
  | { readonly accepted: true; readonly uuid: string }
  /** `error` is what `publish` would have rejected with. */
  | { readonly accepted: false; readonly error: DispatcherError };
