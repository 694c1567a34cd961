import { DispatcherError } from '../errors.js';
import { RESULTS_GONE, type StateBackend, type StopWatching } from '../state/state-backend.js';
import { clock } from '../time/clock.js';
import { findNode, ROOT, type StepPath } from './paths.js';
import { decodePlan, encodePlan, type PlanNode } from './plan-node.js';
import { PlanCache } from './plan-cache.js';
import { decodeOutcome, encodeOutcome, type StepOutcome } from './step-outcome.js';
import { decodeStopped, encodeStopped, type Stopped } from './stopped-step.js';
import { decodeState, encodeState, type WorkflowState } from './workflow-state.js';

const MOST_CONFLICTS = 50;

/** A group's set has this member once its size is known. */
const SEALED = 'sealed';

export interface StateChange {
  /** What it is now; `undefined` where nothing is known of the workflow. */
  readonly state: WorkflowState | undefined;
  /** This very call has made it so. */
  readonly changed: boolean;
}

/**
 * What is kept of workflows, in the words of the result backend's few operations. Each key is written under the
 * workflow's uuid and expires by itself; whatever is written twice stays what it was first.
 */
export class WorkflowStore {
  private readonly plans = new PlanCache();

  constructor(private readonly open: () => Promise<StateBackend>, private readonly expiresInMs: number) {}

  async savePlan(workflow: string, path: StepPath, node: PlanNode): Promise<void> {
    await (await this.open()).set(planKey(workflow, path), encodePlan(node), this.expiry);
  }

  /** The step at a path; `undefined` where there is none, or nothing is known of the workflow any more. */
  async node(workflow: string, path: StepPath): Promise<PlanNode | undefined> {
    for (let at = ROOT; ;) {
      const root = await this.plan(workflow, at);
      if (root === undefined) return undefined;
      const found = findNode(root, at, path);
      if (found.kind !== 'member') return found.kind === 'node' ? found.node : undefined;
      at = found.path;
    }
  }

  async createState(workflow: string, state: WorkflowState): Promise<boolean> {
    return (await (await this.open()).setIfAbsent(stateKey(workflow), encodeState(state), this.expiry)).taken;
  }

  async state(workflow: string): Promise<WorkflowState | undefined> {
    const bytes = await (await this.open()).get(stateKey(workflow));
    return bytes && decodeState(bytes);
  }

  /**
   * Changes the state, atomically among all processes.
   *
   * @param change returns its argument where nothing is to change
   */
  async changeState(workflow: string, change: (state: WorkflowState) => WorkflowState): Promise<StateChange> {
    const backend = await this.open();
    for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts++) {
      const bytes = await backend.get(stateKey(workflow));
      if (bytes === undefined) return { state: undefined, changed: false };
      const before = decodeState(bytes);
      const after = change(before);
      if (after === before) return { state: before, changed: false };
      if (await backend.replaceIfEqual(stateKey(workflow), bytes, encodeState(after), this.expiry)) return { state: after, changed: true };
    }
    throw new DispatcherError('ERR_DISPATCHER_RESULT_CONFLICT', `The state of workflow ${workflow} was changed by others ${MOST_CONFLICTS} times while it was written.`,
      { workflow }, { retryable: true });
  }

  watchState(workflow: string, onState: (state: WorkflowState) => void, onError: (error: unknown) => void): StopWatching {
    let stop: StopWatching | undefined;
    let stopped = false;
    this.open().then((backend) => {
      if (stopped) return;
      stop = backend.watch(stateKey(workflow), (bytes) => {
        try {
          onState(decodeState(bytes));
        } catch (error) {
          onError(error);
        }
      });
    }).catch(onError);
    return () => {
      stopped = true;
      stop?.();
    };
  }

  /** The outcome of a step of a chain: this one, or the one that was kept before. */
  async keepStep(workflow: string, path: StepPath, outcome: StepOutcome): Promise<StepOutcome> {
    const claim = await (await this.open()).setIfAbsent(stepKey(workflow, path), encodeOutcome(outcome), this.expiry);
    return claim.taken ? outcome : decodeOutcome(claim.value);
  }

  async step(workflow: string, path: StepPath): Promise<StepOutcome | undefined> {
    const bytes = await (await this.open()).get(stepKey(workflow, path));
    return bytes && decodeOutcome(bytes);
  }

  /** Returns how many entries the group has after it. */
  async addMember(workflow: string, group: StepPath, index: number, outcome: StepOutcome): Promise<number> {
    const { count } = await (await this.open()).addMember(groupKey(workflow, group), String(index), encodeOutcome(outcome), this.expiry);
    return count;
  }

  /** From here on the size of the group is known; returns how many entries it has, this one included. */
  async seal(workflow: string, group: StepPath, size: number): Promise<number> {
    const backend = await this.open();
    // First the size, then the entry: whoever counts the last entry can read the size.
    await backend.set(sizeKey(workflow, group), Buffer.from(String(size)), this.expiry);
    const { count } = await backend.addMember(groupKey(workflow, group), SEALED, Buffer.alloc(0), this.expiry);
    return count;
  }

  async sealedSize(workflow: string, group: StepPath): Promise<number | undefined> {
    const bytes = await (await this.open()).get(sizeKey(workflow, group));
    return bytes === undefined ? undefined : Number(bytes.toString());
  }

  /** The members that have ended, in the order of their ends, some at a time. */
  async* members(workflow: string, group: StepPath): AsyncGenerator<{ index: number; outcome: StepOutcome }> {
    const backend = await this.open();
    for await (const page of backend.members(groupKey(workflow, group))) {
      for (const { member, value } of page) if (member !== SEALED) yield { index: Number(member), outcome: decodeOutcome(value) };
    }
  }

  /** Keeps where the workflow stopped. */
  async addStopped(workflow: string, key: string, stopped: Stopped): Promise<void> {
    await (await this.open()).addMember(stoppedKey(workflow), key, encodeStopped(stopped), this.expiry);
  }

  async* stopped(workflow: string): AsyncGenerator<{ key: string; stopped: Stopped }> {
    const backend = await this.open();
    for await (const page of backend.members(stoppedKey(workflow))) {
      for (const { member, value } of page) yield { key: member, stopped: decodeStopped(value) };
    }
  }

  private async plan(workflow: string, path: StepPath): Promise<PlanNode | undefined> {
    const key = planKey(workflow, path);
    const now = clock.now();
    const kept = this.plans.get(key);
    if (kept !== undefined && now - kept.readAt < this.expiresInMs / 2) return kept.node;
    const backend = await this.open();
    const bytes = await backend.get(key);
    if (bytes === undefined) return undefined;
    // What is in use must not expire under it.
    if (kept !== undefined) await backend.set(key, bytes, this.expiry);
    const node = decodePlan(bytes);
    this.plans.put(key, node, bytes.length, now);
    return node;
  }

  private get expiry(): { expiresInMs: number } {
    return { expiresInMs: this.expiresInMs };
  }
}

/** The backend has dropped what it was given: it does not come back. */
export function isGone(error: unknown): boolean {
  return error instanceof DispatcherError && error.code === RESULTS_GONE;
}

const planKey = (workflow: string, path: StepPath): string => `workflow:${workflow}:plan:${path}`;
const stateKey = (workflow: string): string => `workflow:${workflow}`;
const stepKey = (workflow: string, path: StepPath): string => `workflow:${workflow}:step:${path}`;
const groupKey = (workflow: string, path: StepPath): string => `workflow:${workflow}:group:${path}`;
const sizeKey = (workflow: string, path: StepPath): string => `workflow:${workflow}:size:${path}`;
const stoppedKey = (workflow: string): string => `workflow:${workflow}:stopped`;
