import { messageOf } from '../../task/error-text.js';

const MOST_NAMED = 100;

/** Something that an action concerns. @publicApi */
export interface ActionItem {
  /** The name of a queue, task, worker or schedule, the uuid of a task or workflow, or the id of a dead letter. */
  readonly id: string;
  /** Of the task. */
  readonly name?: string;
  readonly queue?: string;
  /** How many tasks of it; of a workflow that goes on, how many steps. */
  readonly count?: number;
  /** The uuid of the task that was published for it. */
  readonly task?: string;
}

/** @publicApi */
export interface ActionResult {
  readonly dryRun: boolean;
  /** How many it concerns. */
  readonly matched: number;
  /** Of them it is done; 0 in a dry run. */
  readonly done: number;
  /** Of them it could not be done, and why; the first 100. */
  readonly failed: readonly { readonly id: string; readonly error: string }[];
  /** The first 100. */
  readonly concerned: readonly ActionItem[];
  /** There are more than could be looked through: the same again finds them, or, of what waits, a larger `peek`. */
  readonly truncated: boolean;
}

/** Counts along while something is done, and says when it is enough. */
export class ActionTally {
  matched = 0;
  done = 0;
  truncated = false;
  private failures = 0;
  private firstFailure: unknown;
  private readonly failed: { id: string; error: string }[] = [];
  private readonly concerned: ActionItem[] = [];

  constructor(readonly dryRun: boolean, private readonly expected: number) {}

  /** How many more may be concerned. */
  get room(): number {
    return this.expected - this.matched;
  }

  /** False: it is not concerned, because there are as many as were expected. */
  concerns(item: ActionItem, count = 1): boolean {
    if (this.room < count) return false;
    this.matched += count;
    if (this.concerned.length < MOST_NAMED) this.concerned.push(item);
    return true;
  }

  fail(id: string, error: unknown): void {
    if (this.failures++ === 0) this.firstFailure = error;
    if (this.failed.length < MOST_NAMED) this.failed.push({ id, error: messageOf(error) });
  }

  /** Does it to each, and names what became of it; in a dry run to none. What fails stays as it is, and the others go on. */
  async each(named: readonly ActionItem[], act: (item: ActionItem) => Promise<Partial<ActionItem> | void>): Promise<void> {
    for (const item of named.map((one) => ({ ...one }))) {
      if (!this.concerns(item)) return;
      if (this.dryRun) continue;
      try {
        Object.assign(item, await act(item));
        this.done++;
      } catch (error) {
        this.fail(item.id, error);
      }
    }
  }

  /** @throws the failure of what concerned one thing alone */
  result(): ActionResult {
    if (this.failures === 1 && this.done === 0 && this.matched <= (this.dryRun ? 0 : 1)) throw this.firstFailure;
    const { dryRun, matched, done, failed, concerned, truncated } = this;
    return { dryRun, matched, done, failed, concerned, truncated };
  }

  get failedCount(): number {
    return this.failures;
  }
}
