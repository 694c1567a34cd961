import type { MessageProperties } from '../brokers/broker.js';
import type { FollowUp } from '../formats/format.js';
import type { ResultReader } from '../results/result-reader.js';
import type { Task } from '../task/task.js';

/**
 * States and results of tasks as another system keeps them, in its own store: for tasks that came from it and run here, and
 * for tasks that were sent from here and run there. The workers of both count the members of a group by it.
 *
 * What it rejects with can be tried again where the error is `retryable`; all of it may be repeated.
 */
export interface ForeignResults extends ResultReader {
  /** Of its tasks. */
  readonly format: string;
  /**
   * Before a task is sent from here.
   *
   * @param properties into them is written where the result is to go. Absent: it follows another task, and whoever waits
   *   for its result has said so already
   */
  sending(task: { readonly uuid: string; readonly name: string }, properties?: MessageProperties): Promise<void>;
  /** Before the members of a group, or of a chord, are sent from here. */
  beginning(group: string, members: readonly string[], isChord: boolean): Promise<void>;
  /** A worker of ours has it, and runs it now. */
  began(task: Task): Promise<void>;
  /**
   * How this run of it ended.
   *
   * @param uuidFor for a task that follows and has no uuid: the same for the same place each time
   * @returns what is to be sent now, before the task is acknowledged: the callback of a chord whose last member it was
   */
  ended(task: Task, end: ForeignEnd, uuidFor: (place: string) => string): Promise<Sending | undefined>;
  close(deadlineMs: number): Promise<void>;
}

/** `cancelled`: it was called off, has expired, or was taken away. */
export type ForeignEnd =
  | { readonly kind: 'succeeded'; readonly value: unknown }
  | { readonly kind: 'failed' | 'retrying'; readonly error: unknown }
  | { readonly kind: 'cancelled'; readonly reason: string };

/** Tasks to be sent for a chord. Until `sent` was called it is found again by the same task, whatever dies. */
export interface Sending {
  readonly followUps: readonly FollowUp[];
  sent(): Promise<void>;
}
