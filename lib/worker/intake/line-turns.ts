import type { Line } from './line.js';
import { WeightedTurns } from './weighted-turns.js';

/** Lines that stand together, and what they weigh together. */
export interface LineGroup {
  readonly weight: number;
  readonly lines: readonly { readonly line: Line; readonly weight: number }[];
}

/** Whose turn it is: first which level, then which line of it. */
export class LineTurns {
  private readonly levels: WeightedTurns<{ readonly lines: readonly Line[]; readonly turns: WeightedTurns<Line> }>;

  constructor(groups: readonly LineGroup[]) {
    this.levels = new WeightedTurns(groups.map((group) => {
      const lines = group.lines.map(({ line }) => line);
      const turns = new WeightedTurns(group.lines.map(({ line, weight }) => ({ item: line, weight })));
      return { item: { lines, turns }, weight: group.weight };
    }));
  }

  next(can: (line: Line) => boolean): Line | undefined {
    return this.levels.next(({ lines }) => lines.some(can))?.turns.next(can);
  }
}
