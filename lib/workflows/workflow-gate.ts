import { InvalidBodyError } from '../errors.js';
import type { WorkflowEvent } from '../events/dispatcher-event.js';
import { Header } from '../task/headers.js';
import type { TaskHeaders } from '../task/task.js';
import { countHeader } from '../task/headers.js';
import { isEnd, type Entrance, type TaskEnd, type TaskGate, type TaskVisit } from '../worker/gates/task-gate.js';
import { isAside } from './paths.js';
import { decodeOutcome, encodeOutcome, failure, type StepOutcome } from './step-outcome.js';
import { calledOffText } from './workflow-cancellation.js';
import { UnknownWorkflowError, type WorkflowDriver } from './workflow-driver.js';
import { referenceOf, type StepReference } from './workflow-header.js';
import type { WorkflowRetries } from './workflow-retries.js';
import type { WorkflowStore } from './workflow-store.js';

const RUN: Entrance = { kind: 'run' };
const HAS_FAILED = 'Its workflow has failed; a retry of the workflow runs it.';

/**
 * Lets the steps of workflows pass, and carries the workflow on when one has ended, before the broker is told that it
 * has: a worker that dies in between leaves the delivery, and with it all that is still to be done, to another.
 */
export class WorkflowGate implements TaskGate {
  readonly name = 'workflow';

  constructor(
    private readonly store: WorkflowStore, private readonly driver: WorkflowDriver, private readonly retries: WorkflowRetries,
    private readonly emit: (event: WorkflowEvent) => void,
  ) {}

  concerns({ headers }: TaskVisit): boolean {
    return headers[Header.workflow] !== undefined;
  }

  async enter(visit: TaskVisit): Promise<Entrance> {
    const step = referenceOf(visit.headers);
    if (step === undefined || isAside(step.path)) return RUN;
    const state = await this.store.state(step.workflow);
    if (state?.status === 'cancelled') return { kind: 'cancel', reason: calledOffText(state.reason) };
    if (state?.status !== 'failed') return RUN;
    if (countHeader(visit.headers, Header.replays, 0) === 0) return { kind: 'cancel', reason: HAS_FAILED };
    // Somebody has mended what had failed, and runs it again: with it the workflow goes on.
    await this.retries.resume(step.workflow);
    return RUN;
  }

  async leave(visit: TaskVisit, end: TaskEnd): Promise<void> {
    const step = referenceOf(visit.headers);
    if (step === undefined || !isEnd(end)) return;
    try {
      await this.ended(step, visit, end);
    } catch (error) {
      // Repeating it would change nothing, and keep the task with the broker for ever.
      if (!(error instanceof UnknownWorkflowError) && !(error instanceof InvalidBodyError)) throw error;
      const message = `Task "${visit.name}" (${visit.uuid}) has ended, but its workflow ${step.workflow} cannot go on.`;
      this.emit({ type: 'workflow.problem', workflow: step.workflow, message, error });
    }
  }

  private async ended(step: StepReference, visit: TaskVisit, end: TaskEnd): Promise<void> {
    const reason = end.kind === 'cancelled' ? end.reason : end.kind === 'removed' ? end.error.message : undefined;
    if (reason !== undefined && await this.isPutAside(step, visit, reason)) return;
    const outcome = outcomeOf(visit, end);
    if (outcome.kind === 'error') await this.noteStopped(step, visit, end, outcome);
    await this.driver.ended(step.workflow, step.path, outcome, step.plain);
  }

  /** True where the task did not run because of its workflow: that is no failure of the step. */
  private async isPutAside(step: StepReference, visit: TaskVisit, reason: string): Promise<boolean> {
    const state = await this.store.state(step.workflow);
    if (state === undefined || state.status === 'cancelled') return !isAside(step.path);
    if (reason !== HAS_FAILED) return false;
    const key = await this.park(step, visit, failure(new Error(reason)));
    // It may have been retried while this one was turned away: then nobody has seen it in its place.
    const now = await this.store.state(step.workflow);
    if (now?.status === 'running') await this.retries.unpark(step.workflow, key);
    return true;
  }

  private async noteStopped(step: StepReference, visit: TaskVisit, end: TaskEnd, outcome: Extract<StepOutcome, { kind: 'error' }>): Promise<void> {
    if (end.kind !== 'failed') {
      await this.park(step, visit, outcome);
      return;
    }
    const { uuid, queue } = visit;
    await this.store.addStopped(step.workflow, `${step.path} dead ${uuid}`, { how: 'dead', path: step.path, uuid, queue, error: outcome.error });
  }

  private async park({ workflow, path }: StepReference, visit: TaskVisit, { error }: Extract<StepOutcome, { kind: 'error' }>): Promise<string> {
    const { uuid, name, args, queue, headers } = visit;
    // A task may have failed, been delivered again, and then be called off.
    const key = `${path} parked ${uuid}`;
    await this.store.addStopped(workflow, key, { how: 'parked', path, queue, error, name, args, headers: lastingHeaders(headers) });
    return key;
  }
}

/** As it comes back from where it is kept: what follows is the same whoever repeats it. */
function outcomeOf(visit: TaskVisit, end: TaskEnd): StepOutcome {
  switch (end.kind) {
    case 'succeeded': return decodeOutcome(encodeOutcome({ kind: 'value', value: end.value }));
    case 'failed': return failure(end.error);
    case 'removed': return failure(end.error);
    case 'cancelled': return failure(new Error(`Task "${visit.name}" was cancelled: ${end.reason}`));
    default: return failure(new Error(`Task "${visit.name}" expired before it was run.`));
  }
}

const LASTING: readonly string[] = [Header.workflow, Header.once, Header.retry, Header.result];

/** The sender's own headers, and of ours what says what the task is; not what has happened to it. */
function lastingHeaders(headers: Readonly<TaskHeaders>): TaskHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith('x-') || LASTING.includes(name)));
}
