import type { Delivery } from '../brokers/broker.js';
import type { TaskHeaders } from '../task/task.js';
import type { Timer } from '../time/timer.js';
import type { BatchSeat } from './batches/batch-member.js';
import type { RunCompanion } from './handler-context.js';
import type { Release } from './limits/task-limits.js';
import type { RunNotes } from './run-notes.js';
import type { RunReports } from './run-reports.js';
import type { StepJournal } from './steps/step-journal.js';
import type { TaskLogger } from './task-context.js';
import type { TaskState } from './task-state.js';

/** What a run may have, and most have nothing of: made with the first of it, so that the others need not hold room for it. */
export class RunExtras {
  timer: Timer | undefined;
  /** It was called off while it ran, by whom and why. */
  cancelled: string | undefined;
  /** What is told of it; absent where nobody asked. */
  reports: RunReports | undefined;
  /** How copies of it are told from it, once one stands for it. */
  leaseHeaders: TaskHeaders | undefined;
  /** It is, or was, being taken over; never rejects. Whatever ends the run waits for it. */
  taking: Promise<void> | undefined;
  /** Gives back what the limits of the handler let it take. */
  release: Release | undefined;
  /** Of whoever traces it. */
  companion: RunCompanion | undefined;
  /** For handlers that start themselves. */
  started: (() => void) | undefined;
  /** The same attempt, delivered again after a lost connection while it runs here; settled together. */
  duplicates: Delivery[] | undefined;
  /** It is being sent again under its own attempt: deliveries that may be that copy wait until it has ended. */
  waiting: (() => void)[] | undefined;
  /** What its handler has said of itself. */
  notes: RunNotes | undefined;
  /** Its steps, once its handler has taken one, or an earlier run had. */
  journal: StepJournal | undefined;
  controller: AbortController | undefined;
  logger: TaskLogger | undefined;
  /** Where its handler takes many at once. */
  seat: BatchSeat | undefined;
  /** It ended without having come to its handler, whatever is around that says of it afterwards. */
  isWithdrawn = false;
  abortReason: Error | undefined;
  state: TaskState | undefined;
}
