import type { Handler } from '../worker/handler.js';
import type { WorkerConfig } from '../worker/worker-config.js';
import type { KnownTask } from './placement/known-task.js';
import type { Feature } from './placement/placement.js';
import type { LogTarget } from './events/log-target.js';
import type { FindProvider } from './resolve-middleware.js';

/** The handlers of a worker's tasks, found in the application. */
export type DiscoverHandlers = (config: WorkerConfig, all: readonly WorkerConfig[]) => ReadonlyMap<string, Handler>;

/** What a dispatcher takes from the application that it lives in. */
export interface Application {
  readonly discover: DiscoverHandlers;
  /** The tasks whose code is here, as far as they exist by now, whether they run here or not. */
  tasks(): readonly KnownTask[];
  /** What its modules bring along. */
  features(): readonly Feature[];
  /** How many modules there are: more, when one was loaded lazily. */
  moduleCount(): number;
  /** Whether providers of such a one are still being made. */
  isLoading(): boolean;
  readonly find: FindProvider;
  /** For lines of the log, where the configuration names no other. */
  readonly logger: LogTarget;
  /** Of Nest, where it is known. */
  readonly nestVersion?: string | undefined;
  /** In which some of its handlers run: they end after the last task. */
  readonly threads: { close(): Promise<void> };
}
