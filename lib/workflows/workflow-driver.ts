import { DispatcherError, ResultTooLargeError } from '../errors.js';
import type { WorkflowEvent } from '../events/dispatcher-event.js';
import { RESULTS_GONE } from '../state/state-backend.js';
import { callbackPath, childPath, isAside, placeOf, ROOT, type StepPath } from './paths.js';
import type { GroupNode, PlanNode } from './plan-node.js';
import { errorText, failure, type StepOutcome } from './step-outcome.js';
import { cannotBeSent, type StepInput, type StepStarter } from './step-starter.js';
import { ended, unkeepable, type WorkflowState } from './workflow-state.js';
import { isGone, type StateChange, type WorkflowStore } from './workflow-store.js';

/** What follows from the end of a step: nothing yet, or this is how the step around it has ended, or goes on. */
type Following =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'parent'; readonly path: StepPath; readonly outcome: StepOutcome }
  | { readonly kind: 'next'; readonly path: StepPath; readonly input: StepInput };

const NOTHING: Following = { kind: 'nothing' };

/**
 * Carries a workflow on when a step of it has ended. Everything it does can be done again without harm, by whichever
 * process: outcomes that are kept stay what they were first, and a task that is published twice is started once. So
 * whoever dies on the way, the step's task is delivered again, and the same happens once more.
 */
export class WorkflowDriver {
  constructor(
    private readonly store: WorkflowStore, private readonly starter: StepStarter, private readonly now: () => number,
    private readonly emit: (event: WorkflowEvent) => void,
  ) {}

  /**
   * A step has ended so.
   *
   * @param plain it is a task without callbacks: nothing of its own is in the plan
   */
  async ended(workflow: string, path: StepPath, outcome: StepOutcome, plain = false): Promise<void> {
    let here = path;
    let result = outcome;
    for (let node = plain ? undefined : await this.node(workflow, here); ; node = await this.node(workflow, here)) {
      const kept = await this.keep(workflow, here, result);
      if (kept === undefined) return;
      if (node !== undefined) await this.callBack(workflow, here, node, kept.outcome);
      const following = await this.follow(workflow, here, kept);
      if (following.kind === 'nothing') return;
      if (following.kind === 'next') return this.start(workflow, following.path, following.input);
      here = following.path;
      result = following.outcome;
    }
  }

  /** All members of a streamed group have been sent: it may be that they have ended as well. */
  async sealed(workflow: string, path: StepPath, size: number): Promise<void> {
    const entries = await this.store.seal(workflow, path, size);
    const group = await this.node(workflow, path) as GroupNode;
    if (entries === size + 1) await this.ended(workflow, path, await this.collect(workflow, path, group, size));
  }

  /** Begins a step. What can never be published is the step's failure. */
  async start(workflow: string, path: StepPath, input?: StepInput): Promise<void> {
    const node = await this.node(workflow, path);
    try {
      await this.starter.start(workflow, path, node, input);
    } catch (error) {
      if (!cannotBeSent(error)) throw error;
      const outcome = failure(error);
      await this.store.addStopped(workflow, `${path} unsent`, { how: 'unsent', path, error: outcome.error, ...(input === undefined ? {} : { input }) });
      await this.ended(workflow, path, outcome);
    }
  }

  private async node(workflow: string, path: StepPath): Promise<PlanNode> {
    const node = await this.store.node(workflow, path);
    if (node !== undefined) return node;
    throw new UnknownWorkflowError(workflow, path);
  }

  /** Keeps the outcome where the step stands. `undefined`: it changes nothing any more. */
  private async keep(workflow: string, path: StepPath, outcome: StepOutcome): Promise<Kept | undefined> {
    const place = placeOf(path);
    if (place.kind === 'callback') return { outcome };
    if (place.kind === 'whole') return this.keepWhole(workflow, outcome);
    const parent = await this.node(workflow, place.parent);
    try {
      return await this.keepWithin(workflow, path, parent, outcome);
    } catch (error) {
      if (!(error instanceof ResultTooLargeError)) throw error;
      // Nobody could ever be given it: the step has failed with that.
      return this.keepWithin(workflow, path, parent, failure(error));
    }
  }

  private async keepWithin(workflow: string, path: StepPath, parent: PlanNode, outcome: StepOutcome): Promise<Kept> {
    const place = placeOf(path);
    const counts = outcome.kind === 'value' || (parent.kind === 'group' && parent.mode === 'all-settled');
    // A failure that stops its workflow is not kept here: after a retry the step may succeed yet.
    if (place.kind !== 'within' || !counts) return { outcome, parent };
    if (parent.kind === 'group') return { outcome, parent, entries: await this.store.addMember(workflow, place.parent, place.index, outcome) };
    return { outcome: await this.store.keepStep(workflow, path, outcome), parent };
  }

  private async keepWhole(workflow: string, outcome: StepOutcome): Promise<Kept | undefined> {
    const { state, changed } = await this.writeEnd(workflow, outcome);
    if (state === undefined) throw new UnknownWorkflowError(workflow, ROOT);
    if (changed) this.tellEnd(workflow, state);
    if (state.outcome === undefined || state.status === 'cancelled') return undefined;
    // After a success nothing is a failure any more.
    return outcome.kind === 'error' && state.status === 'succeeded' ? undefined : { outcome: state.outcome };
  }

  private async writeEnd(workflow: string, outcome: StepOutcome): Promise<StateChange> {
    const write = (told: StepOutcome): Promise<StateChange> => this.store.changeState(workflow, (before) => ended(before, told, this.now()));
    try {
      return await write(outcome);
    } catch (error) {
      if (!(error instanceof ResultTooLargeError)) throw error;
      return write(unkeepable(error.message));
    }
  }

  private tellEnd(workflow: string, { status, startedAt, endedAt = startedAt, outcome }: WorkflowState): void {
    const durationMs = endedAt - startedAt;
    if (status === 'succeeded') this.emit({ type: 'workflow.succeeded', workflow, durationMs });
    else if (outcome?.kind === 'error') this.emit({ type: 'workflow.failed', workflow, durationMs, reason: errorText(outcome.error) });
  }

  private async callBack(workflow: string, path: StepPath, node: PlanNode, outcome: StepOutcome): Promise<void> {
    const kind = outcome.kind === 'value' ? 'success' : 'error';
    const callbacks = (kind === 'success' ? node.onSuccess : node.onError) ?? [];
    if (callbacks.length === 0 || await this.isCalledOff(workflow, path)) return;
    const input = { value: outcome.kind === 'value' ? outcome.value : errorText(outcome.error) };
    for (let index = 0; index < callbacks.length; index++) await this.start(workflow, callbackPath(path, kind, index), input);
  }

  /** It may have been cancelled while the step ran. Of the whole its state has told; callbacks go on whatever became of it. */
  private async isCalledOff(workflow: string, path: StepPath): Promise<boolean> {
    return placeOf(path).kind !== 'whole' && !isAside(path) && (await this.store.state(workflow))?.status === 'cancelled';
  }

  private async follow(workflow: string, path: StepPath, { outcome, parent, entries }: Kept): Promise<Following> {
    const place = placeOf(path);
    if (place.kind !== 'within' || parent === undefined) return NOTHING;
    if (parent.kind === 'group') return this.followMember(workflow, place.parent, parent, outcome, entries);
    if (outcome.kind === 'error' || isLast(parent, place.index)) return { kind: 'parent', path: place.parent, outcome };
    return { kind: 'next', path: childPath(place.parent, place.index + 1), input: { value: outcome.value } };
  }

  private async followMember(workflow: string, path: StepPath, group: GroupNode, outcome: StepOutcome, entries = 0): Promise<Following> {
    if (outcome.kind === 'error' && group.mode === 'fail-fast') return { kind: 'parent', path, outcome };
    const size = await this.completeSize(workflow, path, group, entries);
    if (size === undefined) return NOTHING;
    return { kind: 'parent', path, outcome: await this.collect(workflow, path, group, size) };
  }

  /** The size of a group of which all members have ended; `undefined` while some have not. */
  private async completeSize(workflow: string, path: StepPath, group: GroupNode, entries: number): Promise<number | undefined> {
    const known = group.streamed === true ? group.size : group.members.length;
    if (known !== undefined) return entries >= known ? known : undefined;
    const size = await this.store.sealedSize(workflow, path);
    return size !== undefined && entries >= size + 1 ? size : undefined;
  }

  private async collect(workflow: string, path: StepPath, group: GroupNode, size: number): Promise<StepOutcome> {
    const results = new Array<unknown>(size);
    let found = 0;
    try {
      for await (const { index, outcome } of this.store.members(workflow, path)) {
        results[index] = group.mode === 'fail-fast' && outcome.kind === 'value' ? outcome.value : settled(outcome);
        found++;
      }
    } catch (error) {
      // Asking again would not bring them back, and keep the last member's task for ever.
      if (isGone(error)) return failure(error);
      throw error;
    }
    if (found >= size) return { kind: 'value', value: results };
    return failure(new DispatcherError(RESULTS_GONE,
      `Of the ${size} results of a group only ${found} are still there: the result backend has dropped the others before they expired. Give it more memory, or use one that keeps what it was given.`,
      { workflow, path, size, found }));
  }
}

/** Nothing is known of a workflow, or not any more. */
export class UnknownWorkflowError extends DispatcherError {
  constructor(workflow: string, path: StepPath) {
    super('ERR_DISPATCHER_UNKNOWN_WORKFLOW', `Nothing is known of step ${path} of workflow ${workflow}: it has expired (workflowsExpireInSeconds), was dropped or removed by the result backend, or was published on another one.`,
      { workflow, path });
  }
}

interface Kept {
  /** As it counts: of several, the first. */
  readonly outcome: StepOutcome;
  /** The step around it, where that takes part. */
  readonly parent?: PlanNode;
  /** Of a group, how many entries it has. */
  readonly entries?: number;
}

function settled(outcome: StepOutcome): unknown {
  return outcome.kind === 'value' ? { status: 'fulfilled', value: outcome.value } : { status: 'rejected', reason: errorText(outcome.error) };
}

function isLast(parent: PlanNode, index: number): boolean {
  return parent.kind === 'chain' ? index === parent.steps.length - 1 : index === 1;
}
