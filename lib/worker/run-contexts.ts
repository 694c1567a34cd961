import { AsyncResource } from 'node:async_hooks';
import { taskStorage, type TaskContext } from './task-context.js';

/** What runs in an async context of its own. */
export interface Contextual {
  /** `undefined`: none is the current one. */
  readonly context: TaskContext | undefined;
  call(): unknown;
}

/** Nobody looks for their destruction; without it each would be registered with the garbage collector. */
const OPTIONS = { requireManualDestroy: true };
/** Made together: entering the context that they are made from costs as much as using one. */
const MADE_AT_ONCE = 16;

/**
 * Gives each run an async context of its own, made from the one in which this was made. A run is begun from whatever
 * brings it: the data of a socket, the end of another run. `AsyncLocalStorage.enterWith` in a handler changes that
 * context before Node 24, and whatever arrives by it later would find the tenant or the trace of another task there.
 */
export class RunContexts {
  private readonly origin = new AsyncResource('DispatcherWorker', OPTIONS);
  private readonly unused: AsyncResource[] = [];

  run(run: Contextual): unknown {
    if (this.unused.length === 0) this.origin.runInAsyncScope(makeMore, undefined, this.unused);
    return (this.unused.pop() as AsyncResource).runInAsyncScope(enter, run);
  }
}

function makeMore(contexts: AsyncResource[]): void {
  for (let count = 0; count < MADE_AT_ONCE; count++) contexts.push(new AsyncResource('DispatcherTask', OPTIONS));
}

/** With the run as `this`: arguments would be made a list twice. */
function enter(this: Contextual): unknown {
  taskStorage.enterWith(this.context as TaskContext);
  return this.call();
}
