import type { BrokerStatus, QueueType } from '../brokers/broker.js';
import type { Pause } from '../control/pause.js';
import type { ActionFacts } from '../events/action-event.js';
import type { TaskErrorRecord } from '../results/task-error-record.js';
import type { TaskArgument, TaskHeaders } from '../task/task.js';

/**
 * What inspection tells. Instants (`...At`) are milliseconds since 1970 by the clock of the process that tells them,
 * durations (`...Ms`) milliseconds. Everything is plain data, so that it can be shown, sent and compared as it is.
 */

/** A process that uses the exchange. @publicApi */
export interface ProcessInfo {
  /** Unique, made at its start. */
  readonly id: string;
  /** `lost`: it stopped answering without a word; then all else is as it was last told. */
  readonly status: 'alive' | 'lost';
  /** When it last answered. */
  readonly seenAt: number;
  readonly host: string;
  readonly pid: number;
  readonly role: 'both' | 'publisher' | 'worker';
  readonly versions: { readonly dispatcher: string; readonly node: string; readonly nest?: string };
  readonly startedAt: number;
  /** Resident set and heap in use, in bytes. */
  readonly memory: { readonly rssBytes: number; readonly heapBytes: number };
  /** Share of one core since it was last asked (or over the last second), 0 to 1 and above with threads. */
  readonly cpu: number;
  /** How late timers were over the last second: 50th and 99th percentile. */
  readonly eventLoopLagMs: { readonly p50: number; readonly p99: number };
  readonly connection: BrokerStatus;
  readonly workers: readonly WorkerInfo[];
  /** What it ran when it last told, the longest first; at most 100. Of a lost process: what it ran last. */
  readonly running: readonly RunningTaskInfo[];
}

/** @publicApi */
export interface WorkerInfo {
  readonly name: string;
  readonly queue: string;
  readonly limit: number;
  readonly running: number;
  /** Delivered, and waiting in the process for a slot. */
  readonly waiting: number;
  readonly paused: boolean;
  readonly consuming: boolean;
  /** Since the process was started. */
  readonly totals: RunTotals;
  /** Ended per second over the last minute. */
  readonly rate: number;
  /** The names of the tasks that it runs. */
  readonly tasks: readonly string[];
}

/** @publicApi */
export interface RunTotals {
  readonly succeeded: number;
  /** Became dead letters. */
  readonly failed: number;
  readonly retried: number;
  readonly cancelled: number;
}

/** How long runs took: what one in two, 95 and 99 in a hundred took at most, within 5 percent. @publicApi */
export interface Durations {
  /** How many runs are counted. */
  readonly count: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly meanMs: number;
  /** Of all of them together. */
  readonly totalMs: number;
}

/** What became of tasks, in the processes that live. @publicApi */
export interface TaskStats {
  /** Since the processes were started. */
  readonly totals: RunTotals;
  /** Ended per second over the last minute. */
  readonly rate: number;
  /** Of runs that succeeded, failed or are tried again, of the last half hour up to an hour. */
  readonly durations: Durations;
  readonly lastEndedAt: number;
}

/** @publicApi */
export interface TasksReport {
  /** Those of which most have ended first. */
  readonly tasks: readonly (TaskStats & { readonly name: string })[];
  /** Of all that fit the filter together, those that are not listed among them. */
  readonly overall: TaskStats;
}

/** Which process and worker. @publicApi */
export interface Whereabouts {
  readonly process: string;
  readonly host: string;
  readonly pid: number;
  readonly worker: string;
  readonly queue: string;
}

/** @publicApi */
export interface RunningTaskInfo extends Whereabouts {
  readonly uuid: string;
  readonly name: string;
  /** Of the task, as it was published. Absent: 1. */
  readonly version?: number;
  /** From 1. */
  readonly attempt: number;
  readonly startedAt: number;
  readonly runningMs: number;
  /** What the handler reported last by `context.progress`. */
  readonly progress?: { readonly percent?: number; readonly text?: string; readonly at: number };
  /** After redaction; absent where they are too large to tell (`argsBytes` says how large). */
  readonly args?: readonly TaskArgument[];
  readonly argsBytes: number;
  /** It runs for longer than 19 of 20 runs of its name in this process did; `undefined` while fewer than 20 are known. */
  readonly isSlow?: boolean;
  /** That it holds while it runs. */
  readonly uniqueKey?: string;
  /** The call of its batch handler, and for how many tasks it is; also while it waits for more. */
  readonly batch?: { readonly id: string; readonly size: number };
}

/** @publicApi */
export interface QueueInfo {
  readonly name: string;
  /** `undefined` where nobody who answers knows it. */
  readonly type?: QueueType;
  /** Of all its levels and lines. `undefined`: there is no such queue. */
  readonly waiting?: number;
  /** In the hands of the workers that answered. */
  readonly unacknowledged: number;
  readonly running: number;
  readonly dead?: number;
  /** Workers that answered and consume it. */
  readonly consumers: number;
  /**
   * How long the task has waited that stands first, since it was published, or due; of several levels and lines the longest.
   * Absent where nothing waits, where a first task does not say since when, and on RabbitMQ, which shows a task only by
   * handing it out.
   */
  readonly oldestWaitMs?: number;
  /**
   * How long the task that ended last had waited since it was published, or due; of several workers the longest. About how
   * long whoever comes next will wait. Known where messages say when they were published: with telemetry, and of delayed tasks.
   */
  readonly lastWaitMs?: number;
  readonly pause?: Pause;
  /** Ended, failed and retried here per minute, oldest first, the last minute being the present one; at most 60. */
  readonly history: readonly QueueMinute[];
}

/** @publicApi */
export interface QueueMinute {
  /** When the minute began. */
  readonly at: number;
  /** Arrived in workers. */
  readonly received: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly retried: number;
  /** Sum of the durations of what ended, for the mean. */
  readonly busyMs: number;
}

/** @publicApi */
export interface QueuesReport {
  readonly queues: readonly QueueInfo[];
  /** Delayed on this exchange, for whatever queue, retries among them. */
  readonly delayed: number;
  /** Delayed tasks that no queue took when they were due. */
  readonly undelivered: number;
}

/** What an overview shows, as of one moment. @publicApi */
export interface OverviewReport {
  /** As `processes()` tells them; of what each of them runs the 20 longest, at most. */
  readonly processes: readonly ProcessInfo[];
  /** As `queues()` tells it; what is delayed, what is paused and that a queue is not there, as it was some seconds ago. */
  readonly queues: QueuesReport;
  /** What runs, the longest first; absent unless it was asked for. */
  readonly running?: readonly RunningTaskInfo[];
}

/** How a run ended in a process. @publicApi */
export type EndedState = 'succeeded' | 'failed' | 'retrying' | 'cancelled' | 'expired' | 'dropped';

/** @publicApi */
export interface EndedTaskInfo extends Whereabouts {
  readonly uuid: string;
  readonly name: string;
  readonly attempt: number;
  readonly state: EndedState;
  /** Of a dead letter a `DeadReason`; else in words. */
  readonly reason?: string;
  readonly error?: TaskErrorRecord;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly durationMs: number;
  readonly args?: readonly TaskArgument[];
  readonly argsBytes: number;
  readonly headers?: TaskHeaders;
  /** What its handler wrote to `context.logger`, the last lines. */
  readonly log: readonly LogLine[];
}

/** @publicApi */
export interface LogLine {
  readonly at: number;
  readonly level: 'debug' | 'log' | 'warn' | 'error' | 'verbose' | 'fatal';
  readonly text: string;
}

/** All that is given must hold. @publicApi */
export interface TaskFilter {
  readonly uuid?: string;
  /** Exactly, or with `*` for any text. */
  readonly name?: string;
  readonly queue?: string;
  readonly worker?: string;
  readonly process?: string;
  readonly state?: EndedState | readonly EndedState[];
  readonly since?: number;
  readonly until?: number;
  /** In the error's name or message, whatever the case. */
  readonly error?: string;
  /** By path: `{ '0.customer.id': 42 }` compares `args[0].value.customer.id`. */
  readonly args?: Readonly<Record<string, string | number | boolean | null>>;
}

/** @publicApi */
export interface FailureGroup {
  /** The same for the same name, kind of error and place, in every process and after restarts; dead letters have it too. */
  readonly id: string;
  readonly name: string;
  readonly error: { readonly name: string; readonly message: string; readonly frame?: string };
  readonly count: number;
  /** Of them became dead letters; the others were tried again. */
  readonly dead: number;
  readonly firstAt: number;
  readonly lastAt: number;
  readonly queues: readonly string[];
  readonly example: EndedTaskInfo;
  /** What somebody has noted of it, for others. */
  readonly note?: FailureNote;
}

/** @publicApi */
export interface FailureNote {
  readonly text: string;
  readonly by: string;
  readonly at: number;
}

/** Something that somebody did, or tried to. @publicApi */
export interface ActionInfo extends ActionFacts {
  readonly id: string;
  readonly at: number;
  /** Of the process that did it. */
  readonly host: string;
  readonly pid: number;
  /** How many it concerned, where that is known. */
  readonly count?: number;
  /** And of how many it could not be done. */
  readonly failed?: number;
  /** Why it was refused, or broke off. */
  readonly error?: string;
}

/** All that is given must hold. @publicApi */
export interface ActionFilter {
  /** Exactly, or with `*` for any text: `dead-letters.*`. */
  readonly action?: string;
  readonly by?: string;
  readonly since?: number;
  readonly until?: number;
}

/** A task that waits in a queue, as far as its message says it. @publicApi */
export interface WaitingTaskInfo {
  /** In which it stands: the work queue, or one beside it that has a level or weighted tasks. */
  readonly queue: string;
  /** From 0: how many stand before it there. */
  readonly position: number;
  readonly uuid?: string;
  readonly name?: string;
  /** Which run of it is to come, from 1. */
  readonly attempt: number;
  readonly args?: readonly TaskArgument[];
  readonly argsBytes: number;
  /** Since when it waits for its first run: published, or due. Where its message says so: with telemetry, and of delayed tasks. */
  readonly since?: number;
  /** From when on it is not run any more. */
  readonly expiresAt?: number;
  /** Why it is no task. */
  readonly problem?: string;
}

/** The first tasks that wait in a queue. @publicApi */
export interface WaitingReport {
  readonly queue: string;
  /** How many wait, those that are not told included. Absent: there is no such queue. */
  readonly waiting?: number;
  readonly tasks: readonly WaitingTaskInfo[];
  /** Why nobody has looked. */
  readonly unseen?: string;
}

/** What waits out a delay on the exchange, for whatever queue; retries among it. @publicApi */
export interface DelayedReport {
  /** So many are due within so many milliseconds at the latest, and not within the step before. On RabbitMQ one may be due sooner. */
  readonly within: readonly { readonly withinMs: number; readonly count: number }[];
  /** All others: those that are due later, and on an embedded broker those beyond the earliest 10,000. */
  readonly later: number;
}

/** Where a task is. @publicApi */
export type TaskPlaceInfo =
  | { readonly place: 'waiting'; readonly queue: string; readonly position?: number }
  | { readonly place: 'delayed'; readonly dueAt?: number }
  | { readonly place: 'running'; readonly run: RunningTaskInfo }
  | { readonly place: 'dead'; readonly queue: string; readonly reason: string; readonly diedAt: number }
  | { readonly place: 'ended'; readonly end: EndedTaskInfo }
  | { readonly place: 'unknown'; readonly looked: readonly string[] };

/** @publicApi */
export interface TaskInfo {
  readonly uuid: string;
  readonly name?: string;
  readonly where: TaskPlaceInfo;
  /** Why it waits, in words, the most important first. */
  readonly waitsFor: readonly string[];
  readonly args?: readonly TaskArgument[];
  /** Earliest first. */
  readonly attempts: readonly { readonly attempt: number; readonly at: number; readonly worker?: string; readonly error?: TaskErrorRecord; readonly log: readonly LogLine[] }[];
  readonly timeline: readonly { readonly state: string; readonly at: number }[];
  readonly workflow?: string;
  readonly parent?: string;
  readonly children?: readonly string[];
  readonly trace?: string;
}

/** What tasks hold, so that others must wait or are not taken. @publicApi */
export interface LockInfo {
  /** `window`: of tasks with `debounce` or `throttle`. `order`: a line of ordered tasks, held by the one whose turn it is. */
  readonly kind: 'unique' | 'limit' | 'window' | 'order';
  /** Of the tasks. Absent where nothing but a key is known. */
  readonly name?: string;
  /** A unique key, or that of a line, as it is kept, for `releaseUnique`; that of a window; of a limit by key that key. */
  readonly key?: string;
  /** Of a limit: which one. That of a process is told for each process by itself. */
  readonly limit?: 'process' | 'global' | 'perKey.process' | 'perKey.global';
  /** How many may hold it at once; a unique key one. */
  readonly most: number;
  /**
   * Of a unique key: its task is being published, waits, or has started. Of a window: its task is being published or waits
   * for the end, or it is open, and no task waits. Of a line: the turn of its
   * task has come, or that one has failed, and the line stands still. Absent where the shared state could not be asked.
   */
  readonly state?: 'publishing' | 'held' | 'started' | 'waiting' | 'open' | 'halted';
  /** Of a unique key: when it is free in any case. Of a window: when it ends. */
  readonly until?: number;
  /** Of a window whose task waits: how many have left it their arguments, or put off its end. */
  readonly absorbed?: number;
  /** Tasks. Those that run now with where and since when; one that waits, or whose process is gone, by its uuid alone. */
  readonly holders: readonly { readonly uuid: string; readonly process?: string; readonly host?: string; readonly pid?: number; readonly worker?: string; readonly since?: number }[];
}
