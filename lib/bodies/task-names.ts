import { matchesName } from '../task/name-pattern.js';

/** Names are the application's, and few; should they be made up for each task, they are not all kept. */
const MOST_NAMES = 1_000;

/** Which task names something holds for. */
export class TaskNames {
  private readonly known = new Map<string, boolean>();

  /** @param patterns `undefined`: all */
  constructor(private readonly patterns: readonly string[] | undefined) {}

  has(name: string): boolean {
    if (this.patterns === undefined) return true;
    const known = this.known.get(name);
    if (known !== undefined) return known;
    if (this.known.size >= MOST_NAMES) this.known.clear();
    const has = this.patterns.some((pattern) => matchesName(pattern, name));
    this.known.set(name, has);
    return has;
  }
}
