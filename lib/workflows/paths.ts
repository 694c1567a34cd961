import { childrenOf, type GroupNode, type PlanNode, type TaskNode } from './plan-node.js';

/**
 * Where a step stands in its workflow: `0` is the whole, `0.2` the third step of it, `0.2.e0` the first error
 * callback of that one (`s`: success).
 */
export type StepPath = string;

export const ROOT: StepPath = '0';

/** Where a step stands in the one around it. */
export type Place =
  | { readonly kind: 'whole' }
  | { readonly kind: 'within'; readonly parent: StepPath; readonly index: number }
  /** A callback: what becomes of it concerns nobody else. */
  | { readonly kind: 'callback'; readonly of: StepPath };

export function placeOf(path: StepPath): Place {
  if (path === ROOT) return { kind: 'whole' };
  const dot = path.lastIndexOf('.');
  const parent = path.slice(0, dot);
  const last = path.slice(dot + 1);
  return /^\d/.test(last) ? { kind: 'within', parent, index: Number(last) } : { kind: 'callback', of: parent };
}

export function childPath(path: StepPath, index: number): StepPath {
  return `${path}.${index}`;
}

export function callbackPath(path: StepPath, kind: 'success' | 'error', index: number): StepPath {
  return `${path}.${kind === 'success' ? 's' : 'e'}${index}`;
}

/** Whether the step belongs to a callback, or to something that one started: it goes on whatever became of the workflow. */
export function isAside(path: StepPath): boolean {
  return /[se]/.test(path);
}

/** True for something that looks like a path: headers can hold anything. */
export function isPath(text: unknown): text is StepPath {
  return typeof text === 'string' && text.length <= 1_000 && /^0(\.[se]?\d{1,15})*$/.test(text);
}

/** What a walk down a plan came to. */
export type Found =
  | { readonly kind: 'node'; readonly node: PlanNode }
  /** From here on the plan of a member of its own tells: walk that one. */
  | { readonly kind: 'member'; readonly path: StepPath }
  | { readonly kind: 'none' };

/**
 * @param at where `root` itself stands
 */
export function findNode(root: PlanNode, at: StepPath, path: StepPath): Found {
  let node = root;
  let here = at;
  while (here !== path) {
    const rest = path.slice(here.length + 1);
    const [part = ''] = rest.split('.', 1);
    const next = `${here}.${part}`;
    if (node.kind === 'group' && node.streamed === true && /^\d/.test(part)) return { kind: 'member', path: next };
    const child = childAt(node, part);
    if (child === undefined) return { kind: 'none' };
    node = child;
    here = next;
  }
  return { kind: 'node', node };
}

function childAt(node: PlanNode, part: string): PlanNode | undefined {
  if (part.startsWith('s')) return node.onSuccess?.[Number(part.slice(1))];
  if (part.startsWith('e')) return node.onError?.[Number(part.slice(1))];
  return childrenOf(node)[Number(part)];
}

export interface PlacedTask {
  readonly path: StepPath;
  readonly task: TaskNode;
}

/** What is to be sent when a step begins, lazily: of a chain the beginning, of a group all. */
export function* firstTasks(node: PlanNode, path: StepPath): Generator<PlacedTask> {
  switch (node.kind) {
    case 'task': yield { path, task: node }; return;
    case 'chain': yield* firstTasks(node.steps[0], childPath(path, 0)); return;
    case 'chord': yield* firstTasks(node.group, childPath(path, 0)); return;
    case 'group': for (const [index, member] of node.members.entries()) yield* firstTasks(member, childPath(path, index));
  }
}

/** The group that a workflow begins with, if it does: the one whose members the publisher sends. */
export function leadingGroup(node: PlanNode, path: StepPath): { readonly path: StepPath; readonly group: GroupNode } | undefined {
  switch (node.kind) {
    case 'task': return undefined;
    case 'group': return { path, group: node };
    case 'chain': return leadingGroup(node.steps[0], childPath(path, 0));
    case 'chord': return { path: childPath(path, 0), group: node.group };
  }
}

/** The same tree with another group in the place of its leading one. */
export function withLeadingGroup(node: PlanNode, group: GroupNode): PlanNode {
  switch (node.kind) {
    case 'task': return node;
    case 'group': return group;
    case 'chord': return { ...node, group };
    case 'chain': {
      const [first, ...others] = node.steps;
      return { ...node, steps: [withLeadingGroup(first, group), ...others] };
    }
  }
}

