import { labelOf } from './describe.js';
import { childPath, ROOT, type StepPath } from './paths.js';
import { childrenOf, type GroupNode, type PlanNode } from './plan-node.js';
import { errorText } from './step-outcome.js';
import { uuidOf } from './workflow-header.js';
import type { WorkflowStatus } from './workflow-state.js';
import { isGone, type WorkflowStore } from './workflow-store.js';

/**
 * Where a step stands. `waiting`: for the steps before it. `active`: its tasks are in their queues, or run. `failed`:
 * for good, unless the workflow is retried. @publicApi
 */
export type StepStatus = 'waiting' | 'active' | 'succeeded' | 'failed' | 'cancelled';

/** @publicApi */
export interface StepProgress {
  /** `0` is the whole workflow, `0.2` the third step of it. */
  readonly path: string;
  readonly kind: PlanNode['kind'];
  /** One line, with name and arguments of a task. */
  readonly label: string;
  readonly status: StepStatus;
  /** Of a task: under which it was published, unless a retry gave it another. */
  readonly uuid?: string;
  /** Of a failed step. */
  readonly error?: string;
  /** Of a group: how many members have ended, and how many of these with an error. */
  readonly ended?: number;
  readonly failed?: number;
  /** Of a group; absent while nobody knows. */
  readonly size?: number;
  /** The steps in it; of a group with more than 100 members only the first 100, of one that is not part of the plan none. */
  readonly steps?: readonly StepProgress[];
}

/** @publicApi */
export interface WorkflowProgress {
  readonly uuid: string;
  readonly status: WorkflowStatus;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly endedAt?: number;
  /** How often it was retried. */
  readonly retries: number;
  /** Why it was cancelled. */
  readonly reason?: string;
  readonly root: StepProgress;
}

const MOST_LISTED = 100;

/** Reads where the steps of one workflow are from what is kept of them. */
export class ProgressReader {
  private readonly errors = new Map<StepPath, string>();

  constructor(private readonly store: WorkflowStore, private readonly workflow: string) {}

  /** `undefined` where nothing is known of it. */
  async read(): Promise<WorkflowProgress | undefined> {
    const { store, workflow } = this;
    const state = await store.state(workflow);
    const plan = await store.node(workflow, ROOT);
    if (state === undefined || plan === undefined) return undefined;
    for await (const { stopped } of store.stopped(workflow)) {
      if (this.errors.size < 10_000) this.errors.set(stopped.path, errorText(stopped.error));
    }
    const { status, startedAt, endedAt, retries, reason } = state;
    const overall: StepStatus = status === 'running' ? 'active' : status;
    const root = await this.step(plan, ROOT, overall);
    return { uuid: workflow, status, startedAt, retries, ...(endedAt === undefined ? {} : { endedAt }), ...(reason === undefined ? {} : { reason }), root };
  }

  private async step(node: PlanNode, path: StepPath, status: StepStatus): Promise<StepProgress> {
    const base = { path, kind: node.kind, label: labelOf(node), status };
    const error = status === 'succeeded' ? undefined : this.errors.get(path);
    const told = error === undefined ? base : { ...base, status: status === 'cancelled' ? status : 'failed' as const, error };
    if (node.kind === 'task') return { ...told, uuid: uuidOf({ workflow: this.workflow, path }) };
    if (node.kind === 'group') return { ...told, ...await this.group(node, path, status) };
    return { ...told, steps: await this.inTurn(node, path, status) };
  }

  /** Of a chain the first step without an outcome is the one that is under way. */
  private async inTurn(node: PlanNode, path: StepPath, status: StepStatus): Promise<StepProgress[]> {
    const steps: StepProgress[] = [];
    let next: StepStatus = status;
    for (const [index, child] of childrenOf(node).entries()) {
      const at = childPath(path, index);
      const isDone = status === 'succeeded' || (next !== 'waiting' && (await this.store.step(this.workflow, at))?.kind === 'value');
      steps.push(await this.step(child, at, isDone ? 'succeeded' : next));
      if (!isDone) next = status === 'cancelled' ? 'cancelled' : 'waiting';
    }
    return steps;
  }

  /** What is still there: progress can be told without the rest. */
  private async* members(path: StepPath): ReturnType<WorkflowStore['members']> {
    try {
      yield* this.store.members(this.workflow, path);
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }

  private async group(node: GroupNode, path: StepPath, status: StepStatus): Promise<Pick<StepProgress, 'ended' | 'failed' | 'size' | 'steps'>> {
    const listed = new Map<number, StepStatus>();
    let ended = 0;
    let failed = 0;
    if (status !== 'waiting') {
      for await (const { index, outcome } of this.members(path)) {
        ended++;
        if (outcome.kind === 'error') failed++;
        if (index < MOST_LISTED) listed.set(index, outcome.kind === 'value' ? 'succeeded' : 'failed');
      }
    }
    const size = node.streamed === true ? node.size ?? await this.store.sealedSize(this.workflow, path) : node.members.length;
    const steps: StepProgress[] = [];
    for (const [index, member] of node.members.slice(0, MOST_LISTED).entries()) {
      steps.push(await this.step(member, childPath(path, index), listed.get(index) ?? (status === 'succeeded' || status === 'failed' ? 'active' : status)));
    }
    return { ended, failed, ...(size === undefined ? {} : { size }), ...(node.streamed === true ? {} : { steps }) };
  }
}
