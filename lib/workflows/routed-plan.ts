import type { SendOptions } from '../task/task.js';
import type { ChainNode, GroupNode, PlanNode, TaskNode } from './plan-node.js';

/** Where tasks of a name belong, and of which version they are, as the publisher of the workflow knows it. */
export type RouteOf = (name: string) => Pick<SendOptions, 'routingKey' | 'version'>;

/**
 * The steps say where they go, and of which version they are: what follows is published by processes that may not know it,
 * or know another. What steps say themselves they keep.
 */
export function routedPlan<Node extends PlanNode>(node: Node, routeOf: RouteOf): Node {
  const { onSuccess, onError } = node;
  const routed = routedNode(node, routeOf);
  if (onSuccess === undefined && onError === undefined) return routed as Node;
  return {
    ...routed,
    ...(onSuccess === undefined ? {} : { onSuccess: onSuccess.map((each) => routedPlan(each, routeOf)) }),
    ...(onError === undefined ? {} : { onError: onError.map((each) => routedPlan(each, routeOf)) }),
  } as Node;
}

function routedNode(node: PlanNode, routeOf: RouteOf): PlanNode {
  switch (node.kind) {
    case 'task': return routedTask(node, routeOf);
    case 'chain': return routedChain(node, routeOf);
    case 'group': return routedGroup(node, routeOf);
    case 'chord': return { ...node, group: routedPlan(node.group, routeOf), callback: routedPlan(node.callback, routeOf) };
  }
}

function routedChain(node: ChainNode, routeOf: RouteOf): ChainNode {
  const [first, ...others] = node.steps;
  return { ...node, steps: [routedPlan(first, routeOf), ...others.map((step) => routedPlan(step, routeOf))] };
}

function routedGroup(node: GroupNode, routeOf: RouteOf): GroupNode {
  return { ...node, members: node.members.map((member) => routedPlan(member, routeOf)) };
}

function routedTask(node: TaskNode, routeOf: RouteOf): TaskNode {
  const { routingKey, version = 1 } = routeOf(node.name);
  // A plan of tasks of first versions is as it always was.
  const options = { ...routingKey === undefined ? {} : { routingKey }, ...version === 1 ? {} : { version }, ...node.options };
  return Object.keys(options).length === 0 ? node : { ...node, options };
}
