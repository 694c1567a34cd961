import type { ArgumentType } from './argument-types.js';
import type { DebounceOptions, EdgeRequest, ThrottleOptions } from './edge-options.js';
import type { OrderMark, OrderOptions } from './order-options.js';
import type { FormatName } from './format-name.js';
import type { Level, Priority } from './priority.js';
import type { RetryOptions, RetryPolicy } from './retry-policy.js';
import type { UniqueMark, UniqueOptions } from './unique-options.js';

/** One argument of a task: its type from the closed list, and its value. @publicApi */
export interface TaskArgument {
  type: ArgumentType;
  value: unknown;
}

/** What headers may hold: what an AMQP table and JSON can both say. @publicApi */
export type HeaderValue = string | number | boolean | null | HeaderValue[] | { [key: string]: HeaderValue };

/** A task's own headers. Names beginning with `x-dispatcher-` are ours. @publicApi */
export type TaskHeaders = Record<string, HeaderValue>;

/** A task as the caller writes it; what is missing is filled in. @publicApi */
export interface TaskInput {
  /** The name of the handler that runs it. */
  name: string;
  /** The handler's arguments, in order. Default: none. */
  args?: TaskArgument[];
  /** The task's identity through redelivery, retry and replay. Default: a new UUID v4. */
  uuid?: string;
  /** Default: the configuration's `defaultRoutingKey`. */
  routingKey?: string;
  /**
   * The version of the task that the arguments are of, see docs/contract.md. Default: the newest whose code is in this
   * process; where there is none, 1.
   */
  version?: number;
  /** Headers of the task's own; they reach the handler as `context.headers`. */
  headers?: TaskHeaders;
  /** Retries of this one task; what is given here wins over its handler's `retry`. */
  retry?: RetryOptions;
  /** Its result, and what happens on the way, are told: see `published.result()`, `reports()`, `dispatcher.task(uuid)`. Default: as the handler says. */
  result?: boolean;
  /** Seconds before it may run, counted from `publish`; fractions allowed, at most 6.8 years. Default: 0. Excludes `eta`. */
  delaySeconds?: number;
  /**
   * The earliest time to run: a `Date`, an ISO 8601 text with its zone, or milliseconds since 1970. In the past: at
   * once. Default: at once. Excludes `delaySeconds`.
   */
  eta?: Date | string | number;
  /**
   * Seconds from `publish` after which it is not run any more, retries included, but reported as `task.expired`. What
   * runs already is not stopped. Default: never.
   */
  expiresInSeconds?: number;
  /**
   * How urgent it is among the tasks of its queue; its retries too. Needs workers with `priorities: true`: where there
   * are none, it is a normal task. Default: `normal`.
   */
  priority?: Priority;
  /**
   * Taken only if no other task of this name and key is there: `published.unique` says so. `false`: always taken, also
   * where the task's handler says otherwise. Default: as `@Task(name, { unique })` says, where this process knows it.
   */
  unique?: UniqueOptions | false;
  /**
   * Of many tasks of this name and key that come shortly after one another the last runs, when nothing has come for a time,
   * or the first, or both: `published.edge` says what became of this one. `false`: it is published as it is, also where the
   * task's handler says otherwise. Default: as `@Task(name, { debounce })` says, where this process knows it.
   */
  debounce?: DebounceOptions | false;
  /** The same by windows of a fixed length, in each of which at most one task of a key starts. Not beside `debounce`. */
  throttle?: ThrottleOptions | false;
  /**
   * It runs after all tasks of this name and key that were accepted before it, and before all later ones, whatever is tried
   * again. `false`: it stands in no line, also where the task's handler says otherwise. Default: as `@Task(name, { order })`
   * says, where this process knows it.
   */
  order?: OrderOptions | false;
  /** How it looks on the wire, for whoever reads its queue. Default: the `format` of the queue that its routing key leads to, else of the dispatcher. */
  format?: FormatName;
  /** Its body is compressed by this way of the configuration, or by the usual one (true), or not (false), however small it is. Default: as the configuration says. */
  compress?: boolean | string;
  /** Its body is encrypted, or not. Needs keys in `encryption` of the configuration. Default: as the configuration says. */
  encrypt?: boolean;
  /** Arguments by their names, behind `args`; only in a format that has such, as `celery` has. Default: none. */
  kwargs?: Record<string, unknown>;
}

/** How a task is sent, beside what it is: as in {@link TaskInput}. @publicApi */
export type SendOptions = Omit<TaskInput, 'name' | 'args' | 'kwargs' | 'uuid'>;

/** A task, complete: what travels. @publicApi */
export interface Task {
  uuid: string;
  name: string;
  args: TaskArgument[];
  /** As the worker goes by them: those of the message, and what its format says in another way, such as when it expires. */
  headers?: TaskHeaders;
  /** The last of `args` is an object of arguments by their names. */
  hasKwargs?: boolean;
  /** Absent where its message says nothing beside all that. */
  arrived?: ArrivedAs;
}

/** What a message says of its task beside name, arguments and headers. @publicApi */
export interface ArrivedAs {
  /** The format that it came in. */
  readonly format: FormatName;
  /** It is not to run before, in milliseconds since 1970. Default: at once. */
  readonly notBefore?: number | undefined;
  /** How long it may run, in seconds, whatever its handler says. Default: as its handler says. */
  readonly timeoutSeconds?: number | undefined;
  /** How it is retried, whatever its handler says. Default: as its handler says. */
  readonly retry?: RetryPolicy | undefined;
  /** Other tasks are to be sent once it has ended: `followUps` of its format knows them. Default: none. */
  readonly hasFollowUps?: boolean;
  /** Why it cannot be run here as it is meant. It is left to other workers of its queue for a while, and then a dead letter. Default: it can. */
  readonly unsupported?: string | undefined;
  /** Why it can be run only where the results of its format are kept too (`foreignResults`); elsewhere as `unsupported`. Default: it can anyhow. */
  readonly needsResults?: string | undefined;
  /** What the format needs to write the same message again. */
  readonly envelope?: unknown;
}

/** A checked task and where it goes. */
export interface AddressedTask extends Task {
  routingKey: string;
  /** The earliest time to run, in milliseconds since 1970; absent: at once. */
  dueAt?: number;
  /** Absent: normal. */
  level?: Level;
  unique?: UniqueMark;
  edge?: EdgeRequest;
  order?: OrderMark;
  /** What its publisher has said; absent: as its routing key leads. */
  format?: FormatName;
  /** Absent, both: as the configuration says. */
  compress?: boolean | string;
  encrypt?: boolean;
}
