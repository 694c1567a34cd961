export interface Mutant {
  readonly name: string;
  /** What it breaks. */
  readonly promise: string;
  readonly file: string;
  /** Stands exactly once in the file. */
  readonly from: string;
  readonly to: string;
  readonly project: string;
  /** Files or folders of tests, of which one has to notice. */
  readonly tests: readonly string[];
}

export const MUTANTS: readonly Mutant[];
