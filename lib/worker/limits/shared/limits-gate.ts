import { clock } from '../../../time/clock.js';
import type { Entrance, HandledVisit, TaskEnd, TaskGate, TaskVisit } from '../../gates/task-gate.js';
import type { Entered } from './name-limits.js';
import type { SharedLimits } from './shared-limits.js';

const RUN: Entrance = { kind: 'run' };

interface Stay {
  readonly since: number;
  readonly entered: Extract<Entered, { entered: true }>;
}

/** Lets as many tasks of a name or a key run, or start, as all processes together may. */
export class LimitsGate implements TaskGate {
  readonly name = 'limits across processes';
  private readonly stays = new WeakMap<TaskVisit, Stay>();
  private readonly entering = new WeakSet<TaskVisit>();

  constructor(private readonly limits: SharedLimits) {}

  concerns({ handler }: HandledVisit): boolean {
    return handler?.limits?.isShared === true;
  }

  async enter(visit: HandledVisit): Promise<Entrance> {
    const limits = visit.handler?.limits;
    if (limits === undefined) return RUN;
    const key = limits.keyOf(visit.args.map(({ value }) => value));
    this.entering.add(visit);
    const entered = await this.limits.enter(visit.name, limits.options, key);
    const isLeft = !this.entering.delete(visit);
    if (!entered.entered) return { kind: 'wait', delayMs: entered.delayMs, reason: `Task "${visit.name}" waits: all processes together run or start as many as they may (${entered.limit}).` };
    // Given up at a shutdown while it was asked for: nobody will run it, or leave.
    if (isLeft) entered.leave(undefined);
    else this.stays.set(visit, { since: clock.elapsed(), entered });
    return RUN;
  }

  /** Nothing is waited for: the place is given back in the background, and counts as taken until then. */
  leave(visit: TaskVisit, { kind }: TaskEnd): Promise<void> {
    this.entering.delete(visit);
    const stay = this.stays.get(visit);
    if (stay !== undefined) {
      this.stays.delete(visit);
      const ran = kind === 'succeeded' || kind === 'failed' || kind === 'retrying';
      stay.entered.leave(ran ? clock.elapsed() - stay.since : undefined);
    }
    return Promise.resolve();
  }
}
