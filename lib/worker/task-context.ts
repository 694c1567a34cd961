import { AsyncLocalStorage } from 'node:async_hooks';
import type { TaskHeaders } from '../task/task.js';
import type { SleepTime, StepOptions, WaitOptions } from './steps/step-options.js';
import type { TaskState } from './task-state.js';

/**
 * What a handler can know of the task that it runs. Get it with `@TaskContext()`, or anywhere below
 * the handler with {@link currentTask}.
 *
 * @publicApi
 */
export interface TaskContext {
  readonly uuid: string;
  readonly name: string;
  /** Which run of this task this is, from 1. */
  readonly attempt: number;
  /** The broker may have delivered this very attempt before: it may have run already, in part or whole. */
  readonly redelivered: boolean;
  /** Headers as they arrived. */
  readonly headers: Readonly<TaskHeaders>;
  readonly queue: string;
  /** The name of the worker that runs it. */
  readonly worker: string;
  /**
   * Aborted when the task's `timeoutSeconds` have passed (reason: `TaskTimeoutError`) and when a
   * shutdown has reached its deadline (reason: `ShutdownError`). Pass it on to whatever can be stopped.
   */
  readonly signal: AbortSignal;
  /**
   * Tells whoever asked for the task's result how far it is. Costs little, however often it is called: some 20 times a
   * second the latest is sent, and the last one before the end is always told. Does nothing where nobody asked.
   *
   * @param fraction from 0 to 1
   * @param data anything JSON can say, up to 64 KiB (more is left out); read when it is sent, so do not change it afterwards
   * @throws InvalidProgressError for what is no number from 0 to 1
   */
  progress(fraction: number, data?: unknown): void;
  /**
   * Does a piece of the work once: its result is recorded before this resolves, and whenever the task runs again, after a
   * crash, a retry, a deployment or a wait, it is given from the record and `work` is not called. Only where the process
   * dies after the work and before the record is it done again. What `work` throws fails the attempt, as if the handler
   * had thrown it.
   *
   * What it resolves to is the JSON form of what `work` returned, in the first run too. All results of one task may have
   * 1 MiB.
   *
   * @param name by which it is known again, one for each step of the task, up to 200 characters
   * @throws StepError for a name that is taken, and a result that cannot be kept; StepVersionError
   * @throws TaskSuspendedError where the run does not go on here: let it pass
   */
  step<Value>(name: string, work: () => Value | Promise<Value>, options?: StepOptions): Promise<Value>;
  /**
   * Waits, without a slot: the handler is left by a `TaskSuspendedError`, and begins anew when the time has come, with the
   * results of its steps. That costs no attempt. The time counts from when the wait is recorded, once.
   *
   * @param name as that of a step
   */
  sleep(name: string, time: SleepTime): Promise<void>;
  /**
   * Waits for `dispatcher.signal(uuid, name, value)`, in the same way, and resolves to that value. A signal that came before
   * the task waits for it is there at once.
   *
   * @param name of the signal, as that of a step
   * @throws SignalTimeoutError where none comes in time and no `otherwise` is given
   */
  waitFor<Value = unknown>(name: string, options?: WaitOptions<Value>): Promise<Value>;
  /** Writes to the configured logger, naming the task and its uuid. */
  readonly logger: TaskLogger;
  /** For what middleware finds out and the handler reads; a fresh object for each attempt. */
  readonly state: TaskState;
}

/** @publicApi */
export interface TaskLogger {
  log(message: string): void;
  warn(message: string): void;
  error(message: string, stack?: string): void;
  debug(message: string): void;
}

export const taskStorage = new AsyncLocalStorage<TaskContext>();

/** The task that runs here and now, also from services deeper down; `undefined` outside of one. @publicApi */
export function currentTask(): TaskContext | undefined {
  return taskStorage.getStore();
}
