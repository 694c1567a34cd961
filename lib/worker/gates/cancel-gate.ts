import { Header } from '../../task/headers.js';
import type { Entrance, TaskGate, TaskVisit } from './task-gate.js';

/** What a task can be called off by: its own uuid, or the headers that say what it belongs to. */
export type Cancellable = Pick<TaskVisit, 'uuid' | 'headers'>;

/** Who called a task off, and why; `undefined`: nobody. Asked of every delivery. */
export type CancelReasonOf = (task: Cancellable) => string | undefined;

/**
 * Ends tasks that were cancelled before they run. What stands for a task that runs elsewhere is not ended beside it:
 * that is asked only when it is clear that it does not run any more.
 */
export class CancelGate implements TaskGate {
  readonly name = 'cancellations';

  constructor(private readonly reasonOf: CancelReasonOf, private readonly of: 'leased' | 'others') {}

  concerns(visit: TaskVisit): boolean {
    return (visit.headers[Header.lease] !== undefined) === (this.of === 'leased') && this.reasonOf(visit) !== undefined;
  }

  enter(visit: TaskVisit): Promise<Entrance> {
    const reason = this.reasonOf(visit);
    return Promise.resolve(reason === undefined ? { kind: 'run' } : { kind: 'cancel', reason });
  }

  leave(): Promise<void> {
    return Promise.resolve();
  }
}
