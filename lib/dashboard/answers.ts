import type { WorkflowInfo } from '../index.js';
import type { FailureGroup, LockInfo, LogLine, ProcessInfo, QueueInfo, QueueMinute, RunningTaskInfo, WaitingReport, WaitingTaskInfo, Whereabouts } from '../inspection/model.js';

/**
 * What the dashboard's server tells its page, as JSON. Instants are milliseconds since 1970. Values of arguments travel as
 * texts, which the page shows and sends back as they are: no integer is rounded on the way.
 */

/** An argument, its value as JSON text. */
export interface ShownArgument {
  readonly type: string;
  readonly text: string;
  /** The text is a beginning. */
  readonly cut?: true;
}

/** What is shown of the arguments of a task. */
export interface ShownArguments {
  /** Absent where they are unknown, or too large to be told. */
  readonly list?: readonly ShownArgument[];
  /** Somebody wanted them not to be seen as they are: they cannot be edited. */
  readonly redacted?: true;
  /** How large they are, where they are not listed. */
  readonly bytes?: number;
}

export interface ShownError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
}

export interface DispatcherAccess {
  readonly name: string;
  readonly mayAct: boolean;
}

export interface SessionAnswer {
  readonly user: string;
  readonly dispatchers: readonly DispatcherAccess[];
  readonly readOnly: boolean;
  readonly insecure: boolean;
}

/** One moment of the live chart. Rates are per second since the moment before. */
export interface LivePoint {
  readonly at: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly retried: number;
  readonly waiting: number;
  readonly running: number;
}

export interface OverviewTopic {
  readonly connection: { readonly status: ProcessInfo['connection']; readonly since: number; readonly cause?: string };
  /** Why what is shown is not of now. */
  readonly problem?: string;
  readonly waiting: number;
  readonly delayed: number;
  readonly undelivered: number;
  readonly unacknowledged: number;
  readonly running: number;
  readonly dead: number;
  readonly processes: { readonly alive: number; readonly lost: number };
  readonly workers: number;
  readonly paused: number;
  /** The last minutes of all queues together. */
  readonly minutes: readonly QueueMinute[];
  /** The last moments, oldest first. */
  readonly points: readonly LivePoint[];
}

/** A list that may be longer than what is told of it. */
export interface Bounded<Row> {
  readonly rows: readonly Row[];
  readonly total: number;
}

export interface QueuesTopic extends Bounded<QueueInfo> {
  readonly delayed: number;
  readonly undelivered: number;
}

/** Of a lost one also what it ran last. */
export type ShownProcess = Omit<ProcessInfo, 'running'> & { readonly running: readonly ShownRun[] };

export type ProcessesTopic = Bounded<ShownProcess>;

export type ShownRun = Omit<RunningTaskInfo, 'args' | 'argsBytes' | 'uniqueKey'> & { readonly args: ShownArguments };

export type RunningTopic = Bounded<ShownRun>;

export interface ShownEvent {
  readonly at: number;
  readonly level: string;
  readonly origin: string;
  readonly type: string;
  readonly text: string;
  readonly process: string;
  readonly host: string;
  readonly pid: number;
  readonly uuid?: string;
  readonly name?: string;
  readonly queue?: string;
}

export interface EventsTopic {
  readonly events: readonly ShownEvent[];
  /** Left out, because there were too many to look at. */
  readonly dropped: number;
  /** Why nothing is heard. */
  readonly problem?: string;
}

export interface ShownEnd extends Whereabouts {
  readonly uuid: string;
  readonly name: string;
  readonly attempt: number;
  readonly state: string;
  readonly reason?: string;
  readonly error?: ShownError;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly durationMs: number;
  readonly args: ShownArguments;
  readonly headers?: string;
  readonly log: readonly LogLine[];
}

export type ShownFailureGroup = Omit<FailureGroup, 'example'> & { readonly example: ShownEnd };

export type ShownWaiting = Omit<WaitingTaskInfo, 'args' | 'argsBytes'> & { readonly args: ShownArguments };

export interface WaitingAnswer extends Omit<WaitingReport, 'tasks'> {
  readonly rows: readonly ShownWaiting[];
}

export interface ShownDeadLetter {
  readonly id: string;
  readonly uuid?: string;
  readonly name?: string;
  readonly queue: string;
  readonly reason: string;
  readonly error?: string;
  readonly attempt: number;
  readonly replays: number;
  readonly at?: number;
  readonly worker?: string;
  readonly position: number;
  readonly problem?: string;
  readonly args: ShownArguments;
}

export interface DeadLetterDetail extends ShownDeadLetter {
  readonly stack?: string;
  readonly issues: readonly string[];
  readonly headers?: string;
  readonly routingKey: string;
  readonly exchange: string;
  readonly history: readonly { readonly attempt: number; readonly at: string; readonly worker: string; readonly error: string }[];
  /** The body, where it is no task. */
  readonly body?: string;
  /** The arguments as text to be edited, absent where they cannot be. */
  readonly editable?: string;
}

export interface DeadLettersAnswer {
  readonly letters: readonly ShownDeadLetter[];
  readonly next?: string;
  /** In the queue, whatever the filter. */
  readonly total: number;
  readonly truncated: boolean;
}

export interface DeadLetterCount {
  readonly count: number;
  readonly total: number;
  readonly truncated: boolean;
}

export interface ShownTaskPage {
  readonly uuid: string;
  readonly name?: string;
  readonly place: string;
  readonly queue?: string;
  readonly position?: number;
  readonly dueAt?: number;
  readonly diedAt?: number;
  readonly reason?: string;
  readonly looked?: readonly string[];
  readonly run?: ShownRun;
  readonly end?: ShownEnd;
  readonly waitsFor: readonly string[];
  readonly args: ShownArguments;
  readonly attempts: readonly { readonly attempt: number; readonly at: number; readonly worker?: string; readonly error?: ShownError; readonly log: readonly LogLine[] }[];
  readonly timeline: readonly { readonly state: string; readonly at: number }[];
  readonly workflow?: string;
  readonly parent?: string;
  readonly children: readonly string[];
  readonly trace?: string;
}

export interface ShownFiring {
  readonly tick: number;
  readonly by: string;
  readonly uuid?: string;
  readonly error?: string;
  readonly outcome?: { readonly state: string; readonly at: number; readonly attempt: number; readonly error?: string };
}

export interface ShownSchedule {
  readonly name: string;
  readonly source: string;
  readonly cron: string;
  readonly timeZone?: string;
  readonly missed: string;
  readonly task: string;
  readonly nextTicks: readonly number[];
  /** The latest first. */
  readonly firings: readonly ShownFiring[];
  readonly paused?: { readonly by: string; readonly reason: string; readonly since: number };
}

/** `releasable`: it can be freed by its key. */
export type ShownLock = LockInfo & { readonly releasable?: true };

export interface ShownWorkerLimit {
  readonly worker: string;
  readonly limit: number;
  readonly by: string;
  readonly reason?: string;
  readonly since: number;
}

export interface ShownPause {
  readonly kind: string;
  readonly name: string;
  readonly by: string;
  readonly reason: string;
  readonly since: number;
}

export interface ShownStep {
  readonly path: string;
  readonly kind: string;
  readonly label: string;
  readonly status: string;
  readonly uuid?: string;
  readonly error?: string;
  readonly ended?: number;
  readonly failed?: number;
  readonly size?: number;
  readonly steps?: readonly ShownStep[];
}

export interface ShownWorkflow {
  readonly uuid: string;
  readonly status: string;
  readonly startedAt: number;
  readonly endedAt?: number;
  readonly retries: number;
  readonly reason?: string;
  readonly root: ShownStep;
}

export interface WorkflowsAnswer {
  readonly rows: readonly WorkflowInfo[];
  /** For the next page, where there may be one. */
  readonly next?: string;
}

/** Something that somebody did. @publicApi */
export interface AuditEntry {
  readonly at: number;
  /** The name of the user. */
  readonly by: string;
  readonly dispatcher: string;
  readonly action: string;
  /** What was asked for, without arguments of tasks. */
  readonly what: Readonly<Record<string, unknown>>;
  /** How many were concerned, where that is a number. */
  readonly count?: number;
  /** Why it was not done. */
  readonly error?: string;
}

export interface ActionAnswer {
  /** One sentence on what was done. */
  readonly text: string;
  readonly count?: number;
  readonly uuid?: string;
  /** Those that could not be, and why. */
  readonly failed?: readonly { readonly id: string; readonly error: string }[];
}
