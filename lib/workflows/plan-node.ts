import { InvalidBodyError } from '../errors.js';
import { decodeValue, encodeValue } from '../results/result-value.js';
import type { SendOptions, TaskArgument } from '../task/task.js';

/** A workflow as data: a tree of steps. It is what is stored, so that any process can go on with it. */
export type PlanNode = TaskNode | ChainNode | GroupNode | ChordNode;

interface Callbacks {
  /** Started with the step's result. */
  readonly onSuccess?: readonly PlanNode[];
  /** Started with the text of the step's error. */
  readonly onError?: readonly PlanNode[];
}

export interface TaskNode extends Callbacks {
  readonly kind: 'task';
  readonly name: string;
  readonly args: readonly TaskArgument[];
  readonly options?: SendOptions;
  /** It does not get its predecessor's result. */
  readonly immutable?: boolean;
}

/** One after the other. */
export interface ChainNode extends Callbacks {
  readonly kind: 'chain';
  readonly steps: readonly [PlanNode, ...PlanNode[]];
}

/** All at once. */
export interface GroupNode extends Callbacks {
  readonly kind: 'group';
  readonly mode: GroupMode;
  readonly members: readonly PlanNode[];
  /** How many of its members are on their way to the broker at a time. */
  readonly sendConcurrency: number;
  /** Its members are not in the plan: each travels alone. */
  readonly streamed?: boolean;
  /** Of a streamed group; absent where it was not known before the last one was sent. */
  readonly size?: number;
}

/** A group, and what is started once with the results of all its members. */
export interface ChordNode extends Callbacks {
  readonly kind: 'chord';
  readonly group: GroupNode;
  readonly callback: PlanNode;
}

/**
 * What the failure of a member means. `fail-fast`: the group has failed with it. `all-settled`: it counts as ended,
 * and the group gives what became of each. @publicApi
 */
export type GroupMode = 'fail-fast' | 'all-settled';

export function childrenOf(node: PlanNode): readonly PlanNode[] {
  switch (node.kind) {
    case 'task': return [];
    case 'chain': return node.steps;
    case 'group': return node.members;
    case 'chord': return [node.group, node.callback];
  }
}

/** Lossless: arguments may be `bigint`. */
export function encodePlan(node: PlanNode): Buffer {
  const encoded = encodeValue(node);
  // Every argument was checked when the step was made: nothing is left that has no form.
  if ('problem' in encoded) throw new TypeError(encoded.problem);
  return Buffer.from(encoded.text);
}

/** @throws InvalidBodyError for bytes that are no plan */
export function decodePlan(bytes: Buffer): PlanNode {
  try {
    const node = decodeValue(bytes.toString()) as PlanNode;
    if (['task', 'chain', 'group', 'chord'].includes(node.kind)) return node;
  } catch (error) {
    throw new InvalidBodyError('The stored plan of a workflow cannot be read. Was its key written by another program, or by a newer version?', {}, error);
  }
  throw new InvalidBodyError('The stored plan of a workflow is of no known kind. Was it written by a newer version?');
}
