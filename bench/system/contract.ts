import type { Settings } from './settings.js';

/** What every system carries: gofort's task. Each system adds a uuid of its own making to each. */
export interface BenchTask {
  readonly name: string;
  readonly args: readonly { readonly type: string; readonly value: string | number }[];
}

/**
 * The handler of every system calls this with the task's second argument, or 0 when it has none.
 * A promise comes back only for a task that is to take its time.
 */
export type OnTask = (mark: number) => void | Promise<void>;

/** One open client of a system under test. */
export interface System {
  /** `done` is called when the system calls the task accepted; `queue` is the name and routing key of one queue. */
  publish(task: BenchTask, queue: string, done: (error?: Error | null) => void): void;
  /** The system's own way to publish many at once, where it has one. */
  publishMany?(tasks: readonly { task: BenchTask; queue: string }[]): Promise<void>;
  /** All of them, and then one more task with their results; resolves when the result of that one is here. */
  chord?(tasks: readonly { task: BenchTask; queue: string }[]): Promise<void>;
  /** Starts to consume all queues. */
  consume?(): Promise<void>;
  /** Settles what is settled, and lets go of everything. */
  close(): Promise<void>;
}

/** What a file in `systems/` or `peers/` exports. Its queues and exchange must exist when `open` resolves. */
export interface SystemModule {
  open(settings: Settings, onTask: OnTask): Promise<System>;
}
