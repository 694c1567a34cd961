import type { ChainNode, GroupNode, PlanNode, TaskNode } from './plan-node.js';

/** Where tasks of a name belong, as the publisher of the workflow knows it; `undefined`: nothing is known. */
export type RouteOf = (name: string) => string | undefined;

/**
 * The steps say where they go: what follows is published by processes that may not know it. Steps with a routing key of
 * their own keep it.
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
  const routingKey = node.options?.routingKey === undefined ? routeOf(node.name) : undefined;
  return routingKey === undefined ? node : { ...node, options: { ...node.options, routingKey } };
}
