import { Graph, layout } from '@dagrejs/dagre';
import type { ShownStep } from '../../../lib/dashboard/answers.js';

export interface GraphNode {
  readonly id: string;
  readonly step: ShownStep;
  readonly x: number;
  readonly y: number;
}

export interface WorkflowGraph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly (readonly { readonly x: number; readonly y: number }[])[];
  readonly width: number;
  readonly height: number;
  /** Steps that are not drawn, because there are too many. */
  readonly hidden: number;
}

export const NODE_WIDTH = 190;
export const NODE_HEIGHT = 46;
/** More cannot be seen, nor laid out while somebody waits. */
const MOST_NODES = 300;

/** Where a piece of a workflow begins and ends: what follows it hangs on its ends. */
interface Piece { readonly heads: readonly string[]; readonly tails: readonly string[] }

/** The tree of a workflow as what follows what: tasks are nodes, groups are what runs beside each other. */
export function graphOf(root: ShownStep): WorkflowGraph {
  const graph = new Graph();
  graph.setGraph({ rankdir: 'LR', nodesep: 12, ranksep: 46, marginx: 8, marginy: 8 });
  graph.setDefaultEdgeLabel(() => ({}));
  const steps = new Map<string, ShownStep>();
  let hidden = 0;
  const place = (step: ShownStep): Piece => {
    const { path, steps: inner = [] } = step;
    if (inner.length === 0) {
      if (steps.size >= MOST_NODES) {
        hidden++;
        return { heads: [], tails: [] };
      }
      steps.set(path, step);
      graph.setNode(path, { width: NODE_WIDTH, height: NODE_HEIGHT });
      return { heads: [path], tails: [path] };
    }
    const pieces = inner.map(place).filter(({ heads }) => heads.length > 0);
    if (step.kind === 'group') return { heads: pieces.flatMap(({ heads }) => heads), tails: pieces.flatMap(({ tails }) => tails) };
    for (const [index, { heads }] of pieces.entries()) {
      for (const from of pieces[index - 1]?.tails ?? []) for (const to of heads) graph.setEdge(from, to);
    }
    return { heads: pieces[0]?.heads ?? [], tails: pieces.at(-1)?.tails ?? [] };
  };
  place(root);
  layout(graph);
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  return {
    width, height, hidden,
    nodes: [...steps].map(([id, step]) => ({ id, step, ...at(graph.node(id) as { x?: number; y?: number }) })),
    edges: graph.edges().map((edge) => (graph.edge(edge) as { points: { x: number; y: number }[] }).points),
  };
}

function at({ x = 0, y = 0 }: { x?: number; y?: number }): { x: number; y: number } {
  return { x: x - NODE_WIDTH / 2, y: y - NODE_HEIGHT / 2 };
}
