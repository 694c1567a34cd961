import type { TaskContext } from '../../worker/task-context.js';

/** What handlers know of the threads. */
export interface ThreadRunner {
  /** @throws ConfigurationError where there can be no threads */
  prepare(where: string): void;
  /** @param version of the handler. Default: 1 */
  run(name: string, args: unknown[], context: TaskContext, version?: number): Promise<unknown>;
}
