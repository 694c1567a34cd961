import { inspect } from 'node:util';
import type { BatchCall } from './batches/batch-call.js';
import { taskStorage, type TaskContext, type TaskLogger } from './task-context.js';
import type { TaskHeaders } from '../task/task.js';
import type { StepJournal } from './steps/step-journal.js';
import type { SleepTime, StepOptions, WaitOptions } from './steps/step-options.js';
import type { TaskState } from './task-state.js';
import type { WorkerControls } from './worker-controls.js';

/** What whoever traces a run, or carries a context into it, has it take along, past the end of its handler. */
export interface RunCompanion {
  /** Of its next attempt, and of the dead letter that it may become. */
  readonly headers: TaskHeaders;
  /** What it publishes when it has ended, a next step of its workflow, is published within. */
  within<T>(work: () => T): T;
  /** Of the lines of its logger, where the log has fields. */
  readonly logFields?: Readonly<Record<string, string | number>>;
}

/** The side of a run that its context is made of. */
export interface ContextSource extends Omit<TaskContext, 'step' | 'sleep' | 'waitFor'> {
  /** @throws StepError where steps are recorded nowhere */
  readonly journal: StepJournal;
  readonly controls: WorkerControls;
  /** The work begins only now, see {@link Handler.startsItself}. */
  started?: (() => void) | undefined;
  companion?: RunCompanion | undefined;
  /** Its handler has published a task of this uuid. */
  noteSent(uuid: string): void;
  /** See {@link joinBatch}. */
  joinBatch(call: BatchCall, args: readonly unknown[]): Promise<unknown>;
}

let reveal: (context: TaskContext) => ContextSource | undefined;

/**
 * What a handler, a guard or a middleware gets of a run: its public side and nothing else, so that no code of a user can
 * settle the delivery or change how the run ends.
 */
export class HandlerContext implements TaskContext {
  readonly #run: ContextSource;

  static {
    reveal = (context) => (#run in context ? (context).#run : undefined);
  }

  constructor(run: ContextSource) {
    this.#run = run;
  }

  get uuid(): string { return this.#run.uuid; }
  get name(): string { return this.#run.name; }
  get attempt(): number { return this.#run.attempt; }
  get redelivered(): boolean { return this.#run.redelivered; }
  get headers(): Readonly<TaskHeaders> { return this.#run.headers; }
  get queue(): string { return this.#run.queue; }
  get worker(): string { return this.#run.worker; }
  get signal(): AbortSignal { return this.#run.signal; }
  get logger(): TaskLogger { return this.#run.logger; }
  get state(): TaskState { return this.#run.state; }

  progress(fraction: number, data?: unknown): void {
    this.#run.progress(fraction, data);
  }

  async step<Value>(name: string, work: () => Value | Promise<Value>, options?: StepOptions): Promise<Value> {
    return this.#run.journal.step(name, work, options);
  }

  async sleep(name: string, time: SleepTime): Promise<void> {
    return this.#run.journal.sleep(name, time);
  }

  async waitFor<Value>(name: string, options?: WaitOptions<Value>): Promise<Value> {
    return this.#run.journal.waitFor(name, options);
  }

  /** What a line of a log shows of it. */
  [inspect.custom](): object {
    const { uuid, name, attempt, queue, worker, headers } = this;
    return { uuid, name, attempt, queue, worker, headers };
  }
}

/** What middleware of ours may ask of the worker that runs the task. */
export function controlsOf(context: TaskContext): WorkerControls | undefined {
  return reveal(context)?.controls;
}

/** For middleware of ours. Who comes later is within those that came before. */
export function accompany(context: TaskContext, companion: RunCompanion): void {
  const run = reveal(context);
  if (run !== undefined) run.companion = run.companion === undefined ? companion : together(run.companion, companion);
}

function together(outer: RunCompanion, inner: RunCompanion): RunCompanion {
  return {
    headers: { ...outer.headers, ...inner.headers },
    within: (work) => outer.within(() => inner.within(work)),
    logFields: { ...outer.logFields, ...inner.logFields },
  };
}

/** To be told of what is published: whoever runs here is its parent. */
export function noteSent(uuid: string): void {
  const context = taskStorage.getStore();
  if (context !== undefined) reveal(context)?.noteSent(uuid);
}

/** For handlers that take many tasks at once: waits with the others for the call, and for what it says of this one. */
export function joinBatch(call: BatchCall, args: readonly unknown[], context: TaskContext): Promise<unknown> {
  const run = reveal(context);
  if (run === undefined) throw new TypeError(`The batch handler of "${call.name}" runs tasks of a worker, and this context is of none.`);
  return run.joinBatch(call, args);
}

/** For handlers that start themselves: the work begins now. */
export function tellStarted(context: TaskContext): void {
  reveal(context)?.started?.();
}
