import type { Entrance, TaskGate, TaskVisit } from './task-gate.js';

/** Who called a task off, and why; `undefined`: nobody. Asked of every delivery. */
export type CancelReasonOf = (uuid: string) => string | undefined;

/** Ends tasks that were cancelled before they run. */
export class CancelGate implements TaskGate {
  readonly name = 'cancellations';

  constructor(private readonly reasonOf: CancelReasonOf) {}

  concerns({ uuid }: TaskVisit): boolean {
    return this.reasonOf(uuid) !== undefined;
  }

  enter({ uuid }: TaskVisit): Promise<Entrance> {
    const reason = this.reasonOf(uuid);
    return Promise.resolve(reason === undefined ? { kind: 'run' } : { kind: 'cancel', reason });
  }

  leave(): Promise<void> {
    return Promise.resolve();
  }
}
