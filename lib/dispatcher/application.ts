import type { Handler } from '../worker/handler.js';
import type { WorkerConfig } from '../worker/worker-config.js';
import type { LogTarget } from './events/log-target.js';
import type { FindProvider } from './resolve-middleware.js';

/** The handlers of a worker's tasks, found in the application. */
export type DiscoverHandlers = (config: WorkerConfig, all: readonly WorkerConfig[]) => ReadonlyMap<string, Handler>;

/** What a dispatcher takes from the application that it lives in. */
export interface Application {
  readonly discover: DiscoverHandlers;
  readonly find: FindProvider;
  /** For lines of the log, where the configuration names no other. */
  readonly logger: LogTarget;
  /** In which some of its handlers run: they end after the last task. */
  readonly threads: { close(): Promise<void> };
}
