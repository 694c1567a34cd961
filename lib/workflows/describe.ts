import { childrenOf, type PlanNode } from './plan-node.js';

/** Of a large group the first ones tell enough. */
const MOST_SHOWN = 20;
const ARGUMENTS_LENGTH = 60;

/** The tree as text, a step a line, indented. */
export function describeNode(node: PlanNode): string {
  return lines(node).join('\n');
}

/** One step as one line tells it. */
export function labelOf(node: PlanNode): string {
  switch (node.kind) {
    case 'task': return `${node.name}(${node.immutable === true ? '' : '...'}${argumentsText(node)})`;
    case 'chain': return `chain of ${node.steps.length}`;
    case 'chord': return 'chord';
    case 'group': return `group of ${node.streamed === true ? node.size ?? 'any number' : node.members.length}${node.mode === 'all-settled' ? ', all settled' : ''}`;
  }
}

function lines(node: PlanNode): string[] {
  const children = childrenOf(node);
  const result = [labelOf(node)];
  for (const child of children.slice(0, MOST_SHOWN)) result.push(...indented(lines(child)));
  if (children.length > MOST_SHOWN) result.push(`  ... and ${children.length - MOST_SHOWN} more`);
  for (const [word, callbacks] of [['on success: ', node.onSuccess], ['on error: ', node.onError]] as const) {
    for (const callback of callbacks ?? []) {
      const [first, ...rest] = lines(callback);
      result.push(`  ${word}${first}`, ...indented(rest));
    }
  }
  return result;
}

function indented(text: string[]): string[] {
  return text.map((line) => `  ${line}`);
}

function argumentsText({ args, immutable }: Extract<PlanNode, { kind: 'task' }>): string {
  if (args.length === 0) return '';
  const text = args.map(({ value }) => (typeof value === 'bigint' ? `${value}n` : JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner)))).join(', ');
  return `${immutable === true ? '' : ', '}${text.length <= ARGUMENTS_LENGTH ? text : `${text.slice(0, ARGUMENTS_LENGTH)}...`}`;
}
