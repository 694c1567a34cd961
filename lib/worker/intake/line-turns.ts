import type { Line } from './line.js';
import { WeightedTurns } from './weighted-turns.js';

/** Lines that stand together, and what they weigh together. */
export interface LineGroup {
  readonly weight: number;
  readonly lines: readonly { readonly line: Line; readonly weight: number }[];
}

/** Whose turn it is: first which level, then which line of it. */
export class LineTurns {
  private readonly outer: WeightedTurns;
  private readonly inner: readonly WeightedTurns[];
  private readonly lines: readonly (readonly Line[])[];

  constructor(groups: readonly LineGroup[]) {
    this.outer = new WeightedTurns(groups.map(({ weight }) => weight));
    this.inner = groups.map(({ lines }) => new WeightedTurns(lines.map(({ weight }) => weight)));
    this.lines = groups.map(({ lines }) => lines.map(({ line }) => line));
  }

  next(can: (line: Line) => boolean): Line | undefined {
    const group = this.outer.next((index) => (this.lines[index]).some(can));
    if (group < 0) return undefined;
    const lines = this.lines[group];
    return lines[(this.inner[group]).next((index) => can(lines[index]))];
  }
}
