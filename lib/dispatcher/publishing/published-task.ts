import type { Observable } from 'rxjs';
import type { CancelOptions } from '../../control/cancellation.js';
import type { DispatcherError } from '../../errors.js';
import type { TaskResult } from '../../results/task-result.js';
import type { UniqueOutcome } from '../../task/unique-options.js';
import type { Report } from '../results/reports.js';
import { resultOf } from '../results/result-of.js';
import type { ResultOptions, TaskResults } from '../results/task-results.js';

/** What `publish` knows of a task whose result was asked for. */
export interface PublishedFacts {
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Calls off the task of this uuid. */
export type Cancel = (uuid: string, options?: CancelOptions) => Promise<void>;

/** A task that the broker has taken responsibility for. @publicApi */
export class PublishedTask<Value = unknown> {
  readonly #results: TaskResults;
  readonly #cancel: Cancel;
  readonly #facts: PublishedFacts | undefined;
  #end: TaskResult | undefined;

  /** Made by `publish`; without facts where its result was not asked for. */
  constructor(
    /** The task's own; of one that was refused as not unique, that of the task that holds the key. */
    readonly uuid: string, results: TaskResults, cancel: Cancel, facts?: PublishedFacts,
    /** Whether it was taken, where it had a unique key. */
    readonly unique?: UniqueOutcome,
  ) {
    this.#results = results;
    this.#cancel = cancel;
    this.#facts = facts;
  }

  /**
   * What the handler returned, once the task has ended. It is told only where it is asked for: `result: true` on the
   * task or at `publish`, or `results: 'all'`.
   *
   * @throws TaskFailedError when the task failed, with the handler's error as `cause`
   * @throws ResultWaitTimeoutError when it has not ended in time; it goes on
   * @throws DispatcherError with the code ERR_DISPATCHER_RESULT_NOT_ASKED
   */
  async result(options?: ResultOptions): Promise<Value> {
    this.#results.checkAsked(this.uuid, this.#facts !== undefined);
    this.#end ??= await this.#results.end(this.uuid, options);
    return resultOf(this.#end) as Value;
  }

  /**
   * What happens to it: published, received, started, progress, retrying, and its end, then it completes; whoever
   * subscribes late is told from the start. A failure is the final report, and then the error (TaskFailedError) of
   * the Observable. It has no limit of its own in time: see `timeout` of rxjs.
   *
   * @throws DispatcherError with the code ERR_DISPATCHER_RESULT_NOT_ASKED
   */
  reports(): Observable<Report<Value>> {
    this.#results.checkAsked(this.uuid, this.#facts !== undefined);
    return this.#results.reports(this.uuid, this.#facts) as Observable<Report<Value>>;
  }

  /** Calls it off, wherever it is: as `dispatcher.cancel(uuid)`. */
  cancel(options?: CancelOptions): Promise<void> {
    return this.#cancel(this.uuid, options);
  }
}

/** What became of one task of `publishMany`, at the same place in the list. @publicApi */
export type PublishOutcome =
  | {
    readonly accepted: true;
    /** The task's own; of one that was refused as not unique, that of the task that holds the key. */
    readonly uuid: string;
    /** Whether it was taken, where it had a unique key. */
    readonly unique?: UniqueOutcome;
  }
  /** `error` is what `publish` would have rejected with. */
  | { readonly accepted: false; readonly error: DispatcherError };

export function acceptedAs(uuid: string, unique: UniqueOutcome | undefined): PublishOutcome {
  if (unique === undefined) return { accepted: true, uuid };
  return { accepted: true, uuid: unique.taken ? uuid : unique.uuid, unique };
}
