import type { DispatcherError } from '../../errors.js';
import type { DeadReason } from '../../events/dispatcher-event.js';
import type { ArrivedAs, TaskArgument, TaskHeaders } from '../../task/task.js';
import type { Handler } from '../handler.js';

/**
 * Stands between a delivery and its handler, with a memory that processes share: a lock, a count, a
 * step of a workflow. Gates are passed in their order and left in the opposite one.
 *
 * What a gate keeps must not trust that it is left: the process may die at any moment. So it is bound
 * to the task's uuid, or has an expiry. One of your own stands in `gates` of the configuration; `taskGateContract` of
 * `nestjs-dispatcher/contract-suites` holds it to what is written here.
 *
 * @publicApi
 */
export interface TaskGate {
  /** For the log. */
  readonly name: string;
  /** Whether it has to do with this task at all. Asked of each delivery, so it only looks at what is at hand. */
  concerns(visit: TaskVisit): boolean;
  /**
   * Whether the task may run now. Called once for a delivery, before its handler. When it rejects, the task waits in
   * its queue for a few seconds, uncharged.
   */
  enter(visit: TaskVisit): Promise<Entrance>;
  /**
   * What became of the delivery, before the broker is told that it is settled; also of one that never came to `enter`,
   * or was not let in.
   * Must stand being repeated: when it rejects it is called again until the worker is stopped, and after a crash the
   * task is delivered again.
   */
  leave(visit: TaskVisit, end: TaskEnd): Promise<void>;
}

/** One delivery of one task. @publicApi */
export interface TaskVisit {
  readonly uuid: string;
  readonly name: string;
  readonly args: readonly TaskArgument[];
  readonly headers: Readonly<TaskHeaders>;
  readonly attempt: number;
  readonly queue: string;
  readonly worker: string;
  /** This attempt may have been delivered, and run, before. */
  readonly redelivered: boolean;
  /** Where results of this task are sent to, when they are sent. */
  readonly replyTo?: string | undefined;
  /** It runs, and is being taken over into what is shared, or was. */
  readonly leased?: boolean;
  /** With `leased`: its delivery is acknowledged, and a copy stands for it. */
  readonly takenOver?: boolean;
  /** What its message says beside all that; absent where that is nothing. */
  readonly arrived?: ArrivedAs | undefined;
}

/** As our own gates see it. */
export interface HandledVisit extends TaskVisit {
  /** Absent where this worker has none of this name. */
  readonly handler?: Handler;
  /** Absent where it has taken none. */
  readonly steps?: StepsOfRun | undefined;
  /** Of one that runs. */
  openSteps?(): StepsOfRun;
}

/** What a run has to do with what is recorded of its task. */
export interface StepsOfRun {
  /** It has, or had, the record. */
  readonly isHeld: boolean;
  enter(): Promise<Entrance>;
  leave(end: TaskEnd): Promise<void>;
}

/** Whether a task may run. @publicApi */
export type Entrance =
  /** With other arguments than it came with, where there are newer ones. */
  | { readonly kind: 'run'; readonly args?: TaskArgument[] }
  /** It waits in its queue again for so long, uncharged; with these headers beside its own. */
  | { readonly kind: 'wait'; readonly delayMs: number; readonly reason: string; readonly headers?: TaskHeaders }
  /** Its work is done elsewhere, or was: acknowledged, and nothing else. */
  | { readonly kind: 'drop'; readonly reason: string }
  /** Somebody called it off: this is its end. */
  | { readonly kind: 'cancel'; readonly reason: string }
  /** It must not run any more: it becomes a dead letter. */
  | { readonly kind: 'bury'; readonly reason: DeadReason; readonly error: DispatcherError };

/** What became of a delivery. @publicApi */
export type TaskEnd =
  | { readonly kind: 'succeeded'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly reason: DeadReason; readonly error: unknown }
  | { readonly kind: 'cancelled'; readonly reason: string }
  | { readonly kind: 'expired' }
  /** It was taken out of its queue without having been run, by no worker. */
  | { readonly kind: 'removed'; readonly error: DispatcherError }
  /** Not an end of the task: the next attempt, of this number, waits in the queue. */
  | { readonly kind: 'retrying'; readonly attempt: number; readonly delayMs: number; readonly error: unknown }
  /** Not an end of the task: it waits, for a time or a signal, and then goes on. After so long it is looked at again. */
  | { readonly kind: 'suspended'; readonly delayMs: number }
  /** Not an end of the task: it waits in the queue as if it had not been taken. */
  | { readonly kind: 'returned' }
  /** Not an end of the task: this delivery was one too many. */
  | { readonly kind: 'dropped' };

/** Whether the task is over with it. */
export function isEnd({ kind }: TaskEnd): boolean {
  return kind === 'succeeded' || kind === 'failed' || kind === 'cancelled' || kind === 'expired' || kind === 'removed';
}
