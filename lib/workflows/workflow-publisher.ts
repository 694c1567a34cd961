import { v4 } from 'uuid';
import { InvalidTaskError, ResultTooLargeError } from '../errors.js';
import type { WorkflowEvent } from '../events/dispatcher-event.js';
import { display } from '../task/argument-types.js';
import { inParallel } from './in-parallel.js';
import { childPath, firstTasks, leadingGroup, ROOT, withLeadingGroup, type StepPath } from './paths.js';
import { encodePlan, type GroupNode, type PlanNode } from './plan-node.js';
import { routedPlan, type RouteOf } from './routed-plan.js';
import type { StepStarter } from './step-starter.js';
import { anything } from '../task/option-kinds.js';
import { checkOptions } from '../task/options.js';
import { isUuid } from './workflow-header.js';
import type { WorkflowDriver } from './workflow-driver.js';
import { cancelled, newState } from './workflow-state.js';
import type { WorkflowIndex } from './workflow-index.js';
import { titleOf, topSteps } from './workflow-title.js';
import type { WorkflowStore } from './workflow-store.js';
import { nodeOf, Workflow, type Step } from './workflow.js';

/** Larger groups are not part of the stored plan when their publisher sends the members. */
const DEFAULT_MOST_PLANNED = 100;
/** A plan is fetched by every process that runs a step of it. */
const MAX_PLAN_BYTES = 16 * 1024 * 1024;

/** @publicApi */
export interface WorkflowOptions {
  /** The workflow's identity. Default: a new UUID v4. */
  uuid?: string;
}

export interface WorkflowPublisherDependencies {
  readonly store: WorkflowStore;
  readonly index: Pick<WorkflowIndex, 'add'>;
  emit(event: WorkflowEvent): void;
  readonly starter: StepStarter;
  readonly driver: WorkflowDriver;
  now(): number;
  /** Default: nothing is known. */
  readonly routeOf?: RouteOf | undefined;
  /** Groups with more members travel without being part of the plan. Default: 100. */
  readonly mostPlanned?: number;
}

/** Stores a workflow's plan and sends the tasks that it begins with. */
export class WorkflowPublisher {
  constructor(private readonly dependencies: WorkflowPublisherDependencies) {}

  /**
   * Resolves, with its uuid, once the plan is stored and the broker has the first tasks, of a group all. When it
   * rejects, the workflow is called off: of what was sent already nothing more is started.
   *
   * @throws InvalidTaskError, TaskTooLargeError, and what `publish` and the result backend reject with
   */
  async publish(workflow: Workflow, options?: WorkflowOptions): Promise<string> {
    const uuid = checkUuid(options);
    const { store } = this.dependencies;
    const { plan, members, group } = this.split(workflow);
    const bytes = encodePlan(plan).length;
    if (bytes > MAX_PLAN_BYTES) throw tooLarge(bytes);
    const startedAt = this.dependencies.now();
    if (!await store.createState(uuid, newState(startedAt))) {
      throw new InvalidTaskError(`There is a workflow ${uuid} already. Leave uuid out, or use another one.`, { workflow: uuid });
    }
    try {
      await Promise.all([this.savePlan(uuid, plan, bytes), this.list(uuid, startedAt, plan)]);
      if (members === undefined || group === undefined) await this.dependencies.starter.start(uuid, ROOT, plan);
      else await this.stream(uuid, group, members);
    } catch (error) {
      await this.callOff(uuid);
      throw error;
    }
    return uuid;
  }

  /** One that is in no list runs as any other. */
  private async list(uuid: string, startedAt: number, plan: PlanNode): Promise<void> {
    const steps = topSteps(plan);
    await this.dependencies.index.add({ uuid, name: titleOf(plan), startedAt, ...(steps === undefined ? {} : { steps }) })
      .catch((error: unknown) => this.dependencies.emit({ type: 'workflow.problem', workflow: uuid, message: 'It is in no list of workflows.', error }));
  }

  private async savePlan(uuid: string, plan: PlanNode, bytes: number): Promise<void> {
    try {
      await this.dependencies.store.savePlan(uuid, ROOT, plan);
    } catch (error) {
      if (error instanceof ResultTooLargeError) throw tooLarge(bytes, error);
      throw error;
    }
  }

  /** The plan that is stored, and the members that are not part of it. */
  private split({ node: unrouted, source }: Workflow): { plan: PlanNode; members?: Iterable<Step | PlanNode> | AsyncIterable<Step>; group?: { path: StepPath; group: GroupNode } } {
    const node = this.routed(unrouted);
    const leading = leadingGroup(node, ROOT);
    if (leading === undefined) return { plan: node };
    const { path, group } = leading;
    if (source !== undefined) return { plan: node, members: source, group: { path, group } };
    if (group.members.length <= (this.dependencies.mostPlanned ?? DEFAULT_MOST_PLANNED)) return { plan: node };
    const cut: GroupNode = { ...group, members: [], streamed: true, size: group.members.length };
    return { plan: withLeadingGroup(node, cut), members: group.members, group: { path, group: cut } };
  }

  private async stream(uuid: string, { path, group }: { path: StepPath; group: GroupNode }, members: Iterable<Step | PlanNode> | AsyncIterable<Step>): Promise<void> {
    let size = 0;
    await inParallel(numbered(members), group.sendConcurrency, async ({ index, member }) => {
      size = Math.max(size, index + 1);
      await this.sendMember(uuid, childPath(path, index), 'kind' in member ? member : this.routed(nodeOf(member)));
    });
    if (size === 0) throw new InvalidTaskError('A group needs a member; its iterable gave none.', { workflow: uuid });
    if (group.size === undefined) await this.dependencies.driver.sealed(uuid, path, size);
  }

  private async sendMember(uuid: string, path: StepPath, member: PlanNode): Promise<void> {
    const { store, starter } = this.dependencies;
    if (member.kind === 'task' && member.onSuccess === undefined && member.onError === undefined) return starter.send(uuid, { path, task: member }, undefined, true);
    await store.savePlan(uuid, path, member);
    for (const placed of firstTasks(member, path)) await starter.send(uuid, placed);
  }

  private routed(node: PlanNode): PlanNode {
    const { routeOf } = this.dependencies;
    return routeOf === undefined ? node : routedPlan(node, routeOf);
  }

  /** Best effort: who asks is told of what went wrong before. A workflow that is left behind can never complete. */
  private async callOff(uuid: string): Promise<void> {
    await this.dependencies.store.changeState(uuid, (state) => cancelled(state, 'It could not be published.', this.dependencies.now())).catch(() => undefined);
  }
}

function checkUuid(options: WorkflowOptions | undefined): string {
  const { uuid = v4() } = checkOptions(options, { uuid: anything }, {
    of: 'publish of a workflow', example: "{ uuid }; how a task is sent, say with the task: task('name').options({ ... })", Refusal: InvalidTaskError,
  });
  if (isUuid(uuid)) return uuid;
  throw new InvalidTaskError(`The uuid of a workflow must be a UUID, because those of its tasks are made from it; found ${display(uuid)}.`, { uuid });
}

function tooLarge(bytes: number, cause?: unknown): InvalidTaskError {
  return new InvalidTaskError(
    `The plan of the workflow has ${bytes} bytes; at most ${MAX_PLAN_BYTES} can be kept, and with some result backends less. `
    + 'Let it begin with its large group, whose members are not part of the plan, or pass keys of stored data as arguments.', { bytes }, cause);
}

async function* numbered(members: Iterable<Step | PlanNode> | AsyncIterable<Step>): AsyncGenerator<{ index: number; member: Step | PlanNode }> {
  let index = 0;
  for await (const member of members) yield { index: index++, member };
}
