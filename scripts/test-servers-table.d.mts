/** What one suite on one server came to. */
export interface Cell {
  server: string;
  type: string;
  suite: string;
  commit: string;
  seconds?: number;
  passed?: number;
  skipped?: number;
  retried?: string[];
  failures?: string[];
  /** Why it was not run. */
  missing?: string;
}
/** The results as Markdown, the suites as columns. */
export function serversTable(cells: Cell[], suites: string[]): string;
/** Everything that was asked for has been run and nothing failed. */
export function isAllPassed(cells: Cell[]): boolean;
