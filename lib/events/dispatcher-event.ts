import type { BrokerEvent } from '../brokers/broker.js';
import type { DispatcherError } from '../errors.js';
import type { StateBackendEvent } from '../state/state-backend.js';
import type { ActionEvent } from './action-event.js';

/** Which task an event speaks of. */
export interface TaskIdentity {
  readonly uuid: string;
  readonly name: string;
  readonly attempt: number;
  readonly queue: string;
  readonly worker: string;
}

/** Why a delivery became a dead letter. @publicApi */
export type DeadReason =
  /** The handler threw, and no attempt is left. */
  | 'failed'
  /** The handler overran its `timeoutSeconds`. */
  | 'timed-out'
  /** The body is not a task. */
  | 'invalid-body'
  /** It is not encrypted or signed although that is required, or not by who has the key: changed on its way, or moved to another task. */
  | 'unauthenticated'
  /** It is encrypted or signed with a key that no worker of the queue had in time. */
  | 'no-key'
  /** Its body is not in the claim store any more, or no worker of the queue had that store in time. */
  | 'claim-missing'
  /** The body is a task, but its arguments are not what their types say. */
  | 'invalid-arguments'
  /** A message of another system that asks for what cannot be done here, and that no other worker of the queue took in time. */
  | 'unsupported'
  /** No worker of the queue knew the task's name in time. */
  | 'unknown-task'
  /** No worker of the queue took this version of the task in time, nor upgrades from it. */
  | 'unsupported-version'
  /** It came back unsettled too often: it is likely to crash its process. */
  | 'crash-loop'
  /** The body is larger than `maxTaskBytes`. */
  | 'too-large'
  /** It was delayed, and no queue took it when it was due. It is in `<exchange>.undelivered`. */
  | 'undelivered';

/** @publicApi */
export type WorkerEvent =
  | { readonly type: 'worker.started'; readonly worker: string; readonly queue: string }
  | { readonly type: 'worker.stopped'; readonly worker: string; readonly queue: string }
  /** It is being closed, and waits for what runs; told again and again. `until`: milliseconds since 1970. */
  | { readonly type: 'worker.waiting'; readonly worker: string; readonly running: readonly TaskIdentity[]; readonly until: number }
  /** It is being closed and waits no longer: what runs is asked to stop, and given back. */
  | { readonly type: 'worker.aborting'; readonly worker: string; readonly running: readonly TaskIdentity[]; readonly cause: string }
  /** Workers and tasks are assigned in a way that is hardly meant so. */
  | { readonly type: 'worker.warning'; readonly message: string }
  | { readonly type: 'worker.problem'; readonly worker: string; readonly message: string; readonly error?: unknown }
  /** `durationMs`: since this process took it up. */
  | { readonly type: 'task.failed'; readonly task: TaskIdentity; readonly error: unknown; readonly durationMs: number }
  | { readonly type: 'task.timed-out'; readonly task: TaskIdentity; readonly error: unknown; readonly durationMs: number }
  | { readonly type: 'task.retrying'; readonly task: TaskIdentity; readonly error: unknown; readonly delayMs: number }
  /** A handler that had timed out has ended at last; its outcome is ignored. */
  | { readonly type: 'task.ended-late'; readonly task: TaskIdentity; readonly afterSeconds: number }
  | { readonly type: 'task.dead-lettered'; readonly task: TaskIdentity; readonly reason: DeadReason; readonly error: unknown }
  /** Not run, and gone: the time that its sender gave it (`expiresInSeconds`) was over. `expiresAt`: milliseconds since 1970. */
  | { readonly type: 'task.expired'; readonly task: TaskIdentity; readonly expiresAt: number }
  /** Called off before its end; it is not run (any more), and no dead letter. */
  | { readonly type: 'task.cancelled'; readonly task: TaskIdentity; readonly reason: string }
  /** One delivery too many of a task that is or was run elsewhere. */
  | { readonly type: 'task.dropped'; readonly task: TaskIdentity; readonly reason: string }
  /** Whoever asked for its result is gone; what became of it was told to nobody. */
  | { readonly type: 'task.unheard'; readonly task: { readonly uuid: string; readonly name: string }; readonly replyTo: string | undefined }
  /** Given back uncharged: no handler of this name is here, or, with a `reason`, it may not run now. */
  | { readonly type: 'task.returned'; readonly task: TaskIdentity; readonly pauseMs: number; readonly reason?: string }
  /** Its handler was left, because it waits: for a time, or for one of these signals, until then at the latest (milliseconds since 1970). */
  | { readonly type: 'task.suspended'; readonly task: TaskIdentity; readonly until: number; readonly signals: readonly string[] }
  /** It has run for so long that its delivery was acknowledged, before the broker takes it away: a copy stands for it from now on, should this process die. */
  | { readonly type: 'task.taken-over'; readonly task: TaskIdentity; readonly afterSeconds: number }
  /** The process was shut down before the task ended; the broker gives it to another worker. */
  | { readonly type: 'task.abandoned'; readonly task: TaskIdentity }
  /**
   * This process could not renew the sign that it lives in time: others may run what its `held` running tasks with
   * limits over all processes keep from running. It goes on under a new name.
   */
  | { readonly type: 'limits.lease-lost'; readonly held: number; readonly error: unknown }
  /** A handler kept the event loop busy for so long that heartbeats and other tasks suffer. */
  | { readonly type: 'task.blocked-loop'; readonly task: TaskIdentity; readonly seconds: number };

interface WorkflowIdentity {
  /** Its uuid. */
  readonly workflow: string;
}

/** Of a workflow as a whole; each is told by the process that made it so. What happens to a step is told as of its task. @publicApi */
export type WorkflowEvent =
  /** It is kept, and the broker has the tasks that it begins with. */
  | WorkflowIdentity & { readonly type: 'workflow.published' }
  | WorkflowIdentity & { readonly type: 'workflow.succeeded'; readonly durationMs: number }
  | WorkflowIdentity & { readonly type: 'workflow.failed'; readonly durationMs: number; readonly reason: string }
  | WorkflowIdentity & { readonly type: 'workflow.cancelled'; readonly reason: string }
  /** A failed one goes on, for the `retries`-th time. */
  | WorkflowIdentity & { readonly type: 'workflow.resumed'; readonly retries: number }
  /** A step has ended, and nothing can follow from it. */
  | WorkflowIdentity & { readonly type: 'workflow.problem'; readonly message: string; readonly error: unknown };

/**
 * What happens to every task. Made only while somebody listens to these: they are not in the log, and who filters
 * by another level, origin or type does not cause them.
 *
 * @publicApi
 */
export type TaskFlowEvent =
  /** Not published, because of its window (`debounce`, `throttle`): the task `by` stands for it. `replaced`: that one has its arguments, or newer ones. */
  | { readonly type: 'task.absorbed'; readonly task: { readonly uuid: string; readonly name: string }; readonly by: string; readonly replaced: boolean }
  /** The broker has it. Also a step of a workflow and what a schedule publishes; not what is tried again or replayed. */
  | { readonly type: 'task.published'; readonly task: { readonly uuid: string; readonly name: string }; readonly routingKey: string; readonly durationMs: number }
  /** The broker has not taken it, or is not known to have. */
  | { readonly type: 'task.publish-failed'; readonly task: { readonly uuid: string; readonly name: string }; readonly routingKey: string; readonly durationMs: number; readonly error: unknown }
  /** Its handler is about to be called. `waitedMs`: of a first attempt, since it was published, or due; absent where its message does not say when. */
  | { readonly type: 'task.started'; readonly task: TaskIdentity; readonly waitedMs?: number }
  /** Its end is recorded, and it is acknowledged. `durationMs`: since this process took it up. */
  | { readonly type: 'task.succeeded'; readonly task: TaskIdentity; readonly durationMs: number };

/** Takes them, while somebody wants to know. */
export interface TaskFlow {
  readonly observed: boolean;
  next(event: TaskFlowEvent): void;
}

/** @publicApi */
export type PublishEvent =
  /** It was published, and seems to be meant otherwise; told once of each name. */
  | { readonly type: 'task.doubtful'; readonly name: string; readonly message: string };

/** @publicApi */
export type MiddlewareEvent =
  /** A middleware around `publish` failed after its task had been accepted; the caller was told that it was. */
  | { readonly type: 'middleware.failed'; readonly middleware: string; readonly task: { readonly uuid: string; readonly name: string }; readonly error: unknown };

interface CircuitIdentity {
  readonly scope: 'queue' | 'task';
  /** Of the queue or the task. */
  readonly name: string;
  readonly worker: string;
}

/** @publicApi */
export type CircuitEvent =
  /** Too many attempts failed: nothing of this queue or task runs for so many seconds. */
  | CircuitIdentity & { readonly type: 'circuit.opened'; readonly tasks: number; readonly failures: number; readonly seconds: number }
  /** One task tries. */
  | CircuitIdentity & { readonly type: 'circuit.half-open' }
  | CircuitIdentity & { readonly type: 'circuit.closed' };

/** Instants are milliseconds since 1970. @publicApi */
export type ScheduleEvent =
  /** The task of a tick was published by this process. */
  | { readonly type: 'schedule.fired'; readonly schedule: string; readonly taskName: string; readonly uuid: string; readonly tick: number; readonly lateMs: number }
  /** Ticks that nobody could fire in time, and nobody will; at least `count` of them. */
  | { readonly type: 'schedule.missed'; readonly schedule: string; readonly count: number; readonly first: number; readonly last: number }
  /** The task of a tick cannot be published, now or later; the schedule goes on with its next tick. */
  | { readonly type: 'schedule.failed'; readonly schedule: string; readonly taskName: string; readonly tick: number; readonly error: unknown }
  /** Without a `schedule`: it concerns all of them. */
  | { readonly type: 'schedule.problem'; readonly schedule?: string; readonly message: string; readonly error?: unknown };

/** @publicApi */
export type AbsenceEvent =
  /**
   * There is no connection for `seconds` by now, before the `first` one or since a loss; told again and again. `attempt`:
   * the last that failed, 0 for none. `until`: when the start is given up, in milliseconds since 1970.
   */
  | {
    readonly type: 'broker.awaited'; readonly attempt: number; readonly seconds: number; readonly first: boolean;
    readonly error?: DispatcherError; readonly retryInMs?: number; readonly until?: number;
  }
  /** A start in the background could not use the broker. Without `retryInMs` it is given up. */
  | { readonly type: 'broker.start-failed'; readonly error: unknown; readonly retryInMs?: number };

/** Everything that the system reports of itself. @publicApi */
export type DispatcherEvent = BrokerEvent | AbsenceEvent | StateBackendEvent | WorkerEvent | TaskFlowEvent | WorkflowEvent | PublishEvent | MiddlewareEvent | CircuitEvent | ScheduleEvent | ActionEvent;

export type EventSink = (event: DispatcherEvent) => void;
