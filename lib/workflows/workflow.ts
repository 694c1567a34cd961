import { InvalidTaskError } from '../errors.js';
import { display } from '../task/argument-types.js';
import { unknownOption } from '../task/options.js';
import { inferArguments } from '../task/argument-form.js';
import { completeTask, refuseUnknownFields } from '../task/complete-task.js';
import type { SendOptions, TaskInput } from '../task/task.js';
import { clock } from '../time/clock.js';
import { describeNode } from './describe.js';
import { childrenOf, type GroupMode, type GroupNode, type PlanNode, type TaskNode } from './plan-node.js';

/** How deep steps may be nested in each other. */
export const MAX_DEPTH = 50;
const DEFAULT_SEND_CONCURRENCY = 100;
const MAX_SEND_CONCURRENCY = 10_000;

/** A step of a workflow, or a task as `publish` takes it. @publicApi */
export type Step = Workflow | TaskInput;

/** Members one by one, so that nobody has to hold them all. @publicApi */
export type StepSource = Iterable<Step> | AsyncIterable<Step>;

/** @publicApi */
export interface GroupOptions {
  /** What the failure of a member means. Default: `fail-fast`. */
  mode?: GroupMode;
  /** How many members are on their way to the broker at a time, 1 to 10,000. Default: 100. */
  sendConcurrency?: number;
}

/**
 * Tasks that follow from each other: an immutable value, made by {@link task}, {@link chain}, {@link group} and
 * {@link chord}, which take each other as steps to any reasonable depth. `dispatcher.publish(workflow)` starts it.
 *
 * @publicApi
 */
export class Workflow {
  /** Made by the functions. */
  constructor(
    /** @internal */ readonly node: PlanNode,
    /** @internal Members that nobody has looked at yet; of a group only. */
    readonly source?: StepSource,
  ) {
    Object.freeze(this);
  }

  /**
   * Also started, each with the result as its first argument unless immutable, once this step has succeeded. The
   * workflow goes on without waiting for them.
   */
  onSuccess(...steps: Step[]): this {
    return this.with({ onSuccess: [...this.node.onSuccess ?? [], ...steps.map(nodeOf)] });
  }

  /**
   * Started, each with the error's text as its first argument unless immutable, once this step has failed for good:
   * after the last attempt of a task; where the step is a whole workflow, also by any step in it.
   */
  onError(...steps: Step[]): this {
    return this.with({ onError: [...this.node.onError ?? [], ...steps.map(nodeOf)] });
  }

  /** The tree, a step a line. */
  toString(): string {
    return describeNode(this.node);
  }

  /** What it is, for logs: `{ kind, name?, ... }` as it is stored. */
  toJSON(): unknown {
    return this.node;
  }

  protected with(changes: Partial<PlanNode>): this {
    const node = checkDepth({ ...this.node, ...changes } as PlanNode);
    return new (this.constructor as new (node: PlanNode, source?: StepSource) => this)(node, this.source);
  }
}

/** One task as a step: what is called, with what. @publicApi */
export class TaskSignature extends Workflow {
  /** It does not get its predecessor's result as an argument. */
  immutable(): this {
    return this.with({ immutable: true });
  }

  /** How it is sent: routing key, headers, retries, delay; as in `publish`. What was given before stays unless it is given again. */
  options(options: SendOptions): this {
    const { name, args, options: before } = this.node as TaskNode;
    return this.with(taskNode({ name, args: [...args], ...before, ...options }));
  }
}

/**
 * A task by its name and arguments, types inferred as by `publish(name, ...args)`.
 *
 * @throws InvalidTaskError
 * @publicApi
 */
export function task(name: string, ...args: unknown[]): TaskSignature {
  return signature({ name, args: inferArguments(args) });
}

/** A task as `publish` takes it; its `uuid` is given by the workflow. @throws InvalidTaskError @publicApi */
export function signature(input: TaskInput): TaskSignature {
  if (typeof input === 'object' && input !== null && input.uuid !== undefined) {
    throw new InvalidTaskError(`Task "${input.name}": a step of a workflow gets its uuid from the workflow; leave uuid out.`, { task: input.name });
  }
  return new TaskSignature(taskNode(input));
}

/**
 * One step after the other; each gets its predecessor's result as an extra first argument, unless it is immutable.
 * The result of the last one is the result of the chain.
 *
 * @throws InvalidTaskError for no step, or what is none
 * @publicApi
 */
export function chain(...steps: Step[]): Workflow {
  // A source of members may stand at the beginning only: later nobody is there to send them.
  const [first, ...others] = steps.map((step, index) => (index === 0 && step instanceof Workflow ? step.node : nodeOf(step)));
  if (first === undefined) throw new InvalidTaskError("A chain needs a step, chain(task('first'), task('second')); found none.");
  return new Workflow(checkDepth({ kind: 'chain', steps: [first, ...others] }), steps[0] instanceof Workflow ? steps[0].source : undefined);
}

/**
 * All members at once; their results, in their order, are the result of the group. A list of members, an iterable or an
 * async iterable, is given with options: `group(members, { mode: 'all-settled' })`. What is no array is read while it
 * is sent, and can be published once.
 *
 * @throws InvalidTaskError for no member, or what is none
 * @publicApi
 */
export function group(...members: Step[]): Workflow;
export function group(members: StepSource, options?: GroupOptions): Workflow;
export function group(first: Step | StepSource, ...rest: (Step | GroupOptions | undefined)[]): Workflow {
  if (first === undefined && rest.length === 0) return groupOf([], {});
  if (!isSource(first)) return groupOf([first, ...rest] as Step[], {});
  const options = checkGroupOptions(rest[0] as GroupOptions | undefined);
  if (rest.length > 1) throw new InvalidTaskError('group takes members, or a list of them and options; found a list and more.');
  if (Array.isArray(first)) return groupOf(first, options);
  return new Workflow(groupNode([], options, true), first);
}

/**
 * A group, and a callback that is started once after all members have succeeded (of an `all-settled` group: ended), with
 * their results in order as its first argument unless it is immutable. Its result is that of the chord.
 *
 * @throws InvalidTaskError where the first is no group
 * @publicApi
 */
export function chord(members: Workflow | Step[], callback: Step): Workflow {
  const workflow = Array.isArray(members) ? group(members) : members;
  if (!(workflow instanceof Workflow) || workflow.node.kind !== 'group') {
    throw new InvalidTaskError(`The first argument of chord must be a group, chord(group(a, b), callback); found ${found(workflow)}.`);
  }
  return new Workflow(checkDepth({ kind: 'chord', group: workflow.node, callback: nodeOf(callback) }), workflow.source);
}

/** The node of a step; it is checked here. @throws InvalidTaskError */
export function nodeOf(step: Step): PlanNode {
  if (!(step instanceof Workflow)) {
    if (typeof step !== 'object' || step === null) {
      throw new InvalidTaskError(`A step must be a workflow or a task; found ${display(step)}. Write task('name', ...arguments).`);
    }
    return signature(step).node;
  }
  if (step.source === undefined) return step.node;
  throw new InvalidTaskError('A group whose members are read while they are sent can only be what a workflow begins with, because its publisher sends them. Give it an array.');
}

function groupOf(members: readonly Step[], options: GroupOptions): Workflow {
  if (members.length === 0) throw new InvalidTaskError("A group needs a member, group(task('one'), task('two')); found none.");
  return new Workflow(groupNode(members.map(nodeOf), options, false));
}

function groupNode(members: PlanNode[], { mode = 'fail-fast', sendConcurrency = DEFAULT_SEND_CONCURRENCY }: GroupOptions, streamed: boolean): GroupNode {
  const node: GroupNode = { kind: 'group', mode, members, sendConcurrency, ...(streamed ? { streamed } : {}) };
  return checkDepth(node) as GroupNode;
}

function checkGroupOptions(options: GroupOptions = {}): GroupOptions {
  if (typeof options !== 'object' || options === null || options instanceof Workflow) {
    throw new InvalidTaskError(`The options of a group must be an object { mode, sendConcurrency }; found ${found(options)}.`);
  }
  const unknown = Object.keys(options).find((name) => name !== 'mode' && name !== 'sendConcurrency');
  if (unknown !== undefined) throw new InvalidTaskError(unknownOption('A group', unknown, ['mode', 'sendConcurrency']), { option: unknown });
  const { mode, sendConcurrency } = options;
  if (mode !== undefined && mode !== 'fail-fast' && mode !== 'all-settled') {
    throw new InvalidTaskError(`mode of a group must be "fail-fast" or "all-settled"; found ${display(mode)}.`, { option: 'mode' });
  }
  if (sendConcurrency !== undefined && !(Number.isSafeInteger(sendConcurrency) && sendConcurrency >= 1 && sendConcurrency <= MAX_SEND_CONCURRENCY)) {
    throw new InvalidTaskError(`sendConcurrency of a group must be a whole number from 1 to ${MAX_SEND_CONCURRENCY}; found ${display(sendConcurrency)}.`, { option: 'sendConcurrency' });
  }
  return options;
}

function taskNode(input: TaskInput): TaskNode {
  refuseUnknownFields(input);
  const { name, args } = completeTask(input, { routingKey: 'checked later', newUuid: () => 'given later', now: clock.now });
  const { name: _name, args: _args, uuid: _uuid, ...options } = input;
  // A date has no form of its own where plans are stored.
  if (options.eta instanceof Date) options.eta = options.eta.getTime();
  return { kind: 'task', name, args: structuredClone(args), ...(Object.keys(options).length > 0 ? { options: structuredClone(options) } : {}) };
}

const depths = new WeakMap<PlanNode, number>();

/** Remembered for each node: a tree that is built step by step is walked once. */
function depthOf(node: PlanNode): number {
  let depth = depths.get(node);
  if (depth === undefined) {
    depth = 1;
    for (const list of [childrenOf(node), node.onSuccess ?? [], node.onError ?? []]) for (const child of list) depth = Math.max(depth, 1 + depthOf(child));
    depths.set(node, depth);
  }
  return depth;
}

function checkDepth(node: PlanNode): PlanNode {
  const depth = depthOf(node);
  if (depth <= MAX_DEPTH) return node;
  throw new InvalidTaskError(`The workflow is nested ${depth} levels deep; at most ${MAX_DEPTH} are allowed. Chains of chains can be one chain; let a task publish what follows.`, { depth });
}

function isSource(value: unknown): value is StepSource {
  return typeof value === 'object' && value !== null && !(value instanceof Workflow) && (Symbol.iterator in value || Symbol.asyncIterator in value);
}

function found(value: unknown): string {
  return value instanceof Workflow ? `a ${value.node.kind}` : display(value);
}
