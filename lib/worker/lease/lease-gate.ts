import type { TaskHeaders } from '../../task/task.js';
import type { TaskVisit } from '../gates/task-gate.js';
import type { OnceTimes } from '../gates/once/once-times.js';

/** Where it is written that a task runs here. It is told of its end as a gate is. */
export interface LeaseGate {
  readonly times: OnceTimes;
  /** The headers of the copy that stands for it. Can be repeated. */
  lease(visit: TaskVisit): Promise<TaskHeaders>;
}

export interface LeaseOptions {
  readonly gate: LeaseGate;
  /**
   * When a task that runs is taken over, in milliseconds: well below the time after which the broker takes its delivery
   * away. What waits here is given back after half of it.
   */
  readonly afterMs: number;
}

/** Of the time that a delivery may stay unsettled: half of that may pass before it runs, and as much as is left is there for trying. */
const SHARE = 1 / 3;

/** @param timeoutMs after which a broker takes a delivery away */
export function leaseAfterMs(timeoutMs: number): number {
  return timeoutMs * SHARE;
}
