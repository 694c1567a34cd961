import { clock, type ClockTimer } from '../../time/clock.js';

/** How often is looked, as a share of the limit. */
const LOOKS_PER_LIMIT = 20;

/** Something that is waited for no longer than the limit. */
export interface Deadline {
  readonly dueAt: number;
  readonly overdue: () => void;
}

/**
 * One timer for all that waits, instead of one for each: thousands of operations a second each wait for an answer that
 * comes at once. What is overdue is noticed a twentieth of the limit late at most.
 */
export class Deadlines {
  /** In the order of their beginnings, and so, but for those that had to wait first, of their ends. */
  private readonly open = new Set<Deadline>();
  private look: ClockTimer | undefined;

  constructor(private readonly limitMs: number) {}

  /** `overdue` is called once the time is over, unless `end` was called before. */
  begin(restMs: number, overdue: () => void): Deadline {
    const deadline = { dueAt: clock.elapsed() + restMs, overdue };
    this.open.add(deadline);
    this.look ??= clock.setInterval(() => this.lookForOverdue(), Math.max(1, this.limitMs / LOOKS_PER_LIMIT));
    return deadline;
  }

  /** False where it is over already. */
  end(deadline: Deadline): boolean {
    if (!this.open.delete(deadline)) return false;
    if (this.open.size === 0) this.stop();
    return true;
  }

  private lookForOverdue(): void {
    const now = clock.elapsed();
    for (const deadline of [...this.open]) if (deadline.dueAt <= now && this.end(deadline)) deadline.overdue();
  }

  private stop(): void {
    clock.clear(this.look);
    this.look = undefined;
  }
}
