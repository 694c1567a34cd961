import type { TaskContext } from './task-context.js';

/** What a worker runs for one task name. `nest/` makes these from decorated methods. */
export interface Handler {
  readonly name: string;
  /**
   * Runs the task. `args` are the task's own arguments, checked and converted, in order; with
   * `taskUuidAsFirstArg` the uuid comes before them. May return a value, a promise or throw.
   */
  run(args: unknown[], context: TaskContext): unknown;
  /** See {@link TaskOptions.timeoutSeconds}. */
  readonly timeoutSeconds?: number;
  readonly taskUuidAsFirstArg?: boolean;
  /** Where it stands, for error texts: `MathTasks.add`. */
  readonly origin?: string;
}

/** A task given to `createWorker` as a plain function. @publicApi */
export interface TaskDefinition {
  function: (...args: never[]) => unknown;
  /** See {@link Handler.timeoutSeconds}. Default: 0, no timeout. */
  timeoutSeconds?: number;
  /** The task's uuid comes before its own arguments, as in gofort/dispatcher. Default: false. */
  taskUuidAsFirstArg?: boolean;
}

/** Task names and what runs them, for `createWorker`. @publicApi */
export type TaskMap = Record<string, TaskDefinition>;
