import type { EventSink } from '../events/dispatcher-event.js';
import type { Batches } from './batches/batches.js';

/** What middleware of ours may ask of the worker. */
export interface WorkerControls {
  readonly emit: EventSink;
  /**
   * Starts no task for so long, and keeps the broker from sending more by holding a single delivery back. Then tasks
   * run one at a time, until `release` or the next `hold`.
   */
  hold(milliseconds: number): void;
  /** Others work on this queue too, on tasks of their own: holds no more deliveries than are running, so that they get theirs. */
  share(): void;
  /** Ends a hold, and the one at a time after it. */
  release(): void;
  /** For handlers that take many tasks at once. */
  readonly batches: Batches;
}
