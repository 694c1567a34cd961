import type { Observable } from 'rxjs';
import type { CancelOptions } from '../../control/cancellation.js';
import type { DispatcherError } from '../../errors.js';
import type { TaskResult } from '../../results/task-result.js';
import type { EdgeOutcome } from '../../task/edge-options.js';
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

/** What became of a task that is not always published. */
export interface Taking {
  readonly unique?: UniqueOutcome | undefined;
  readonly edge?: EdgeOutcome | undefined;
}

/** Its own uuid, or that of the task that stands for it. */
export function uuidTaken(uuid: string, { unique, edge }: Taking = {}): string {
  if (unique?.taken === false) return unique.uuid;
  return edge?.taken === false ? edge.uuid : uuid;
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
    /** The task's own; of one that was refused as not unique, that of the task that holds the key; of one that was not published because of its window, that of the task that stands for it. */
    readonly uuid: string, results: TaskResults, cancel: Cancel, facts?: PublishedFacts,
    /** Whether it was taken, where it had a unique key. */
    readonly unique?: UniqueOutcome,
    /** What its window has made of it, where it had `debounce` or `throttle`. */
    readonly edge?: EdgeOutcome,
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
    /** The task's own, or that of the task that stands for it: see `unique` and `edge`. */
    readonly uuid: string;
    /** Whether it was taken, where it had a unique key. */
    readonly unique?: UniqueOutcome;
    /** What its window has made of it, where it had `debounce` or `throttle`. */
    readonly edge?: EdgeOutcome;
  }
  /** `error` is what `publish` would have rejected with. */
  | { readonly accepted: false; readonly error: DispatcherError };

export function acceptedAs(uuid: string, taking: Taking | undefined): PublishOutcome {
  if (taking === undefined) return { accepted: true, uuid };
  const { unique, edge } = taking;
  return { accepted: true, uuid: uuidTaken(uuid, taking), ...(unique === undefined ? {} : { unique }), ...(edge === undefined ? {} : { edge }) };
}
