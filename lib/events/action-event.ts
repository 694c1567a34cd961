/** What somebody can do to a running system. @publicApi */
export type ActionName =
  | 'pause' | 'resume' | 'cancel' | 'signal' | 'purge' | 'drain' | 'limit' | 'unlimit' | 'send'
  | 'dead-letters.replay' | 'dead-letters.discard' | 'dead-letters.trim'
  | 'schedule.pause' | 'schedule.resume' | 'schedule.trigger' | 'schedule.remove'
  | 'unique.release' | 'workflow.cancel' | 'workflow.retry'
  | 'failure.annotate' | 'failure.forget';

/** By all of their names, so that the compiler misses a new one here. */
const ALL: Readonly<Record<ActionName, true>> = {
  pause: true, resume: true, cancel: true, signal: true, purge: true, drain: true, limit: true, unlimit: true, send: true,
  'dead-letters.replay': true, 'dead-letters.discard': true, 'dead-letters.trim': true,
  'schedule.pause': true, 'schedule.resume': true, 'schedule.trigger': true, 'schedule.remove': true,
  'unique.release': true, 'workflow.cancel': true, 'workflow.retry': true,
  'failure.annotate': true, 'failure.forget': true,
};

export const ACTION_NAMES = Object.keys(ALL) as readonly ActionName[];

/** Who did what to what. @publicApi */
export interface ActionFacts {
  readonly action: ActionName;
  /** Absent where nobody said so: code did it. */
  readonly by?: string;
  readonly reason?: string;
  /** What it was done to, and by which conditions: `{ queue: 'orders', name: 'charge' }`. Never arguments of tasks. */
  readonly what: Readonly<Record<string, string | number | boolean>>;
}

/** Told once of everything that somebody does to queues, tasks, workers, schedules and workflows. @publicApi */
export type ActionEvent =
  /** It is done. `count`: how many it concerned, where that is known; `failed`: and of how many it could not be done. */
  | ActionFacts & { readonly type: 'action.performed'; readonly count?: number; readonly failed?: number }
  /** It was refused, or broke off: what was done by then stays done. */
  | ActionFacts & { readonly type: 'action.failed'; readonly error: unknown };
