import { InvalidTaskError, ResultWaitTimeoutError, TaskFailedError } from '../errors.js';
import { display } from '../task/argument-types.js';
import { numberFromZero } from '../task/option-kinds.js';
import { checkOptions } from '../task/options.js';
import type { Audited } from '../events/audited.js';
import type { WorkflowEvent } from '../events/dispatcher-event.js';
import type { StepOutcome } from './step-outcome.js';
import { Timer } from '../time/timer.js';
import { errorText } from './step-outcome.js';
import { ProgressReader, type WorkflowProgress } from './workflow-progress.js';
import { calledOffText, stepsOf } from './workflow-cancellation.js';
import type { WorkflowRetries } from './workflow-retries.js';
import { cancelled, type WorkflowState } from './workflow-state.js';
import type { WorkflowStore } from './workflow-store.js';

const DEFAULT_WAIT_SECONDS = 30;
/** Each task that is called off takes it along. */
const LONGEST_REASON = 1_000;

export interface PublishedWorkflowDependencies {
  readonly store: WorkflowStore;
  readonly retries: WorkflowRetries;
  /** Its abort, with a reason, ends what waits. */
  readonly closing: AbortSignal;
  now(): number;
  /** Resolves when the broker can be used. */
  ready(): Promise<void>;
  /** Has every worker ask what runs under this name to stop. Stands being repeated. */
  callOff(name: string, text: string): Promise<void>;
  emit(event: WorkflowEvent): void;
  /** What somebody does is told. */
  readonly audited: Audited;
}

/** A workflow that was published, by whatever process. @publicApi */
export class PublishedWorkflow {
  readonly #dependencies: PublishedWorkflowDependencies;

  /** Made by `publish` and `dispatcher.workflow(uuid)`. */
  constructor(readonly uuid: string, dependencies: PublishedWorkflowDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Its result, once it has ended: of a chain what the last step returned, of a group a list in its order, of a chord what
   * the callback returned. Any process may ask, until it has expired.
   *
   * @throws TaskFailedError when it has failed or was cancelled
   * @throws ResultWaitTimeoutError when it has not ended in time (default: 30 seconds); it goes on
   */
  async result(options?: { timeoutSeconds?: number }): Promise<unknown> {
    const { timeoutSeconds = DEFAULT_WAIT_SECONDS } = checkOptions(options, { timeoutSeconds: numberFromZero }, { of: 'result of a workflow', example: '{ timeoutSeconds: 60 }' });
    await this.#dependencies.ready();
    return resultOf(this.uuid, await this.#end(timeoutSeconds * 1000));
  }

  /** Which of its steps are where; `undefined` where nothing is known of it, or not any more. */
  async progress(): Promise<WorkflowProgress | undefined> {
    await this.#dependencies.ready();
    return new ProgressReader(this.#dependencies.store, this.uuid).read();
  }

  /**
   * Ends it, in every process: what has not started does not run any more, and what runs is asked to stop by its
   * `AbortSignal`, with a TaskCancelledError as the reason. Nothing follows from what ends all the same, and no callbacks
   * are started; those that were published before go on.
   *
   * When it rejects, call it again: it may be half done, and whoever repeats it completes it.
   *
   * @param reason a text of at most 1,000 characters, kept with the workflow and with each of its tasks that is called off
   * @returns false when it had ended before, or nothing is known of it
   * @throws InvalidTaskError for a reason that is none, and what the result backend and the broker reject with
   */
  async cancel(reason = 'No reason was given.'): Promise<boolean> {
    return this.#dependencies.audited({ action: 'workflow.cancel', reason, what: { workflow: this.uuid } }, () => this.#cancelNow(reason), (done) => ({ count: done ? 1 : 0 }));
  }

  async #cancelNow(reason: string): Promise<boolean> {
    if (typeof reason !== 'string' || reason.length > LONGEST_REASON) {
      throw new InvalidTaskError(`The reason of a cancellation must be a text of at most ${LONGEST_REASON} characters; found ${display(reason)}.`);
    }
    const dependencies = this.#dependencies;
    await dependencies.ready();
    const { state, changed } = await dependencies.store.changeState(this.uuid, (before) => cancelled(before, reason, dependencies.now()));
    if (changed) dependencies.emit({ type: 'workflow.cancelled', workflow: this.uuid, reason });
    // Also where it was cancelled before: whoever did may have died before this.
    if (state?.status === 'cancelled') await dependencies.callOff(stepsOf(this.uuid), calledOffText(state.reason));
    return changed;
  }

  /**
   * Makes a failed one go on from where it stopped: its dead letters are replayed, what was called off because of the
   * failure is published again. What has succeeded is not run again.
   *
   * @returns how many steps go on; 0 where nothing of it is left to run, as when its dead letters were discarded
   * @throws InvalidTaskError for a workflow that is not known, has succeeded or was cancelled
   */
  async retry(): Promise<number> {
    return this.#dependencies.audited({ action: 'workflow.retry', what: { workflow: this.uuid } }, async () => {
      await this.#dependencies.ready();
      return this.#dependencies.retries.retry(this.uuid);
    }, (count) => ({ count }));
  }

  #end(timeoutMs: number): Promise<WorkflowState> {
    const { store, closing } = this.#dependencies;
    return new Promise((resolve, reject) => {
      let last: WorkflowState | undefined;
      const onClosing = (): void => finish(() => reject(closing.reason as Error));
      const timer = new Timer(timeoutMs, () => finish(() => reject(waitedInVain(this.uuid, timeoutMs, last))));
      const stop = store.watchState(this.uuid, (state) => {
        last = state;
        if (state.status !== 'running') finish(() => resolve(state));
      }, (error) => finish(() => reject(error instanceof Error ? error : new Error(String(error)))));
      const finish = (settle: () => void): void => {
        timer.cancel();
        closing.removeEventListener('abort', onClosing);
        // It may be told while it begins.
        queueMicrotask(() => stop());
        settle();
      };
      if (closing.aborted) return onClosing();
      closing.addEventListener('abort', onClosing);
    });
  }
}

function resultOf(workflow: string, { status, outcome, reason }: WorkflowState): unknown {
  if (status === 'succeeded' && outcome?.kind === 'value') return outcome.value;
  if (status === 'cancelled') throw new TaskFailedError(`Workflow ${workflow} was cancelled: ${reason}`, { workflow, state: status });
  throw failed(workflow, status, outcome);
}

function failed(workflow: string, status: WorkflowState['status'], outcome: StepOutcome | undefined): TaskFailedError {
  if (outcome?.kind !== 'error') return new TaskFailedError(`Workflow ${workflow} ended as "${status}".`, { workflow, state: status });
  const { error } = outcome;
  const cause = Object.assign(new Error(error.message), { name: error.name }, error.code === undefined ? {} : { code: error.code });
  return new TaskFailedError(`Workflow ${workflow} failed: ${errorText(error)}`, { workflow, state: status }, cause);
}

function waitedInVain(workflow: string, timeoutMs: number, last: WorkflowState | undefined): ResultWaitTimeoutError {
  return new ResultWaitTimeoutError(
    `Workflow ${workflow} has not ended within ${timeoutMs} ms${last === undefined ? ', and nothing is known of it' : ''}. Ask again later, or wait longer (timeoutSeconds); progress() tells where it is.`,
    { uuid: workflow, timeoutMs });
}
