/** Which file of this repository needs which other. */
export class ImportGraph {
  constructor(root: string, files?: string[]);
  readonly files: string[];
  /** The file itself and everything that it needs, also by way of others. */
  reach(file: string): Set<string>;
}
