import { AsyncResource } from 'node:async_hooks';
import { taskStorage, type TaskContext } from './task-context.js';

/** Nobody looks for their destruction; without it each would be registered with the garbage collector. */
const OPTIONS = { requireManualDestroy: true };

/**
 * Gives each run an async context of its own, made from the one in which this was made. A run is begun from whatever
 * brings it: the data of a socket, the end of another run. `AsyncLocalStorage.enterWith` in a handler changes that
 * context before Node 24, and whatever arrives by it later would find the tenant or the trace of another task there.
 */
export class RunContexts {
  private readonly origin = new AsyncResource('DispatcherWorker', OPTIONS);

  run<Context extends TaskContext>(call: (context: Context) => unknown, context: Context): unknown {
    return this.origin.runInAsyncScope(begin<Context>, undefined, call, context);
  }
}

function begin<Context extends TaskContext>(call: (context: Context) => unknown, context: Context): unknown {
  return new AsyncResource('DispatcherTask', OPTIONS).runInAsyncScope(enter<Context>, undefined, call, context);
}

function enter<Context extends TaskContext>(call: (context: Context) => unknown, context: Context): unknown {
  taskStorage.enterWith(context);
  return call(context);
}
