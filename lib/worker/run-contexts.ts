import { AsyncResource } from 'node:async_hooks';
import { taskStorage, type TaskContext } from './task-context.js';

interface Contextual { readonly context: TaskContext }

/** Nobody looks for their destruction; without it each would be registered with the garbage collector. */
const OPTIONS = { requireManualDestroy: true };

/**
 * Gives each run an async context of its own, made from the one in which this was made. A run is begun from whatever
 * brings it: the data of a socket, the end of another run. `AsyncLocalStorage.enterWith` in a handler changes that
 * context before Node 24, and whatever arrives by it later would find the tenant or the trace of another task there.
 */
export class RunContexts {
  private readonly origin = new AsyncResource('DispatcherWorker', OPTIONS);

  run<Run extends Contextual>(call: (run: Run) => unknown, run: Run): unknown {
    return this.origin.runInAsyncScope(begin<Run>, undefined, call, run);
  }
}

function begin<Run extends Contextual>(call: (run: Run) => unknown, run: Run): unknown {
  return new AsyncResource('DispatcherTask', OPTIONS).runInAsyncScope(enter<Run>, undefined, call, run);
}

function enter<Run extends Contextual>(call: (run: Run) => unknown, run: Run): unknown {
  taskStorage.enterWith(run.context);
  return call(run);
}
