import type { GroupNode, PlanNode } from './plan-node.js';

const LONGEST = 120;
/** Of a large group a few tell whether all are alike. */
const MOST_COMPARED = 100;

/** What a workflow does, in the names of its tasks: nothing of their arguments. */
export function titleOf(node: PlanNode): string {
  const title = whole(node);
  return title.length <= LONGEST ? title : `${title.slice(0, LONGEST - 1)}…`;
}

/** How many steps it has at its top; `undefined` while nobody knows. */
export function topSteps(node: PlanNode): number | undefined {
  switch (node.kind) {
    case 'task': return 1;
    case 'chain': return node.steps.length;
    case 'group': return sizeOf(node);
    case 'chord': {
      const size = sizeOf(node.group);
      return size === undefined ? undefined : size + 1;
    }
  }
}

export function sizeOf({ streamed, size, members }: GroupNode): number | undefined {
  return streamed === true ? size : members.length;
}

function whole(node: PlanNode): string {
  switch (node.kind) {
    case 'task': return node.name;
    case 'chain': return node.steps.slice(0, LONGEST).map(whole).join(' → ');
    case 'chord': return `${whole(node.group)} → ${whole(node.callback)}`;
    case 'group': return groupTitle(node);
  }
}

function groupTitle(group: GroupNode): string {
  const [first, ...others] = group.members.slice(0, MOST_COMPARED).map(whole);
  const size = sizeOf(group) ?? 'any number';
  return first === undefined || others.some((other) => other !== first) ? `group of ${size}` : `${size} × ${first}`;
}
