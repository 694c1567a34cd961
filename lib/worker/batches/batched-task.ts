import type { TaskContext, TaskLogger } from '../task-context.js';

/**
 * One task among those that a batch handler is called with. It stays a task of its own: retried, cancelled, recorded by
 * itself. `Args` are the types of its arguments, `Result` is what {@link succeed} takes and `result()` gives.
 *
 * @publicApi
 */
export interface BatchedTask<Args extends readonly unknown[] = readonly unknown[], Result = unknown> {
  readonly uuid: string;
  readonly args: Args;
  /** Its own: attempt, headers, `progress()`, `state`, logger. Its `signal` is aborted too when it alone is cancelled. */
  readonly context: TaskContext;
  /** What was said of it. `undefined`: nothing yet. */
  readonly outcome: 'succeeded' | 'failed' | undefined;
  /**
   * It has succeeded, with this result, whatever becomes of the others. That is recorded at once. Who says it of one task
   * has to say it of each that succeeded.
   *
   * @throws BatchOutcomeError where something else was said of it before
   */
  succeed(...result: undefined extends Result ? [result?: Result] : [result: Result]): void;
  /**
   * Its attempt has failed, as if a handler of its own had thrown this: its retry policy decides. `RetryLater`, `GiveUp`
   * and `SucceedEarly` mean what they mean when they are thrown. Tasks of which nothing is said have succeeded, unless
   * the handler throws or says {@link succeed} of others.
   *
   * @throws BatchOutcomeError where something else was said of it before
   */
  fail(error: unknown): void;
}

/** What the tasks of one call of a batch handler have in common: its second argument. @publicApi */
export interface BatchContext {
  /** Of this call; the log and the inspection name it. */
  readonly id: string;
  /** Of the tasks. */
  readonly name: string;
  readonly size: number;
  /** What `by` gives for each of them. */
  readonly key: string | undefined;
  readonly queue: string;
  readonly worker: string;
  /**
   * Aborted when no task of the call is waited for any more: its `timeoutSeconds` have passed (reason:
   * `TaskTimeoutError`), a shutdown has reached its deadline (`ShutdownError`), or all that are left were cancelled.
   */
  readonly signal: AbortSignal;
  /** Writes to the configured logger, naming the task and the call. */
  readonly logger: TaskLogger;
}
