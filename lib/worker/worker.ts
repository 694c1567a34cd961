import type { Broker, Delivery } from '../brokers/broker.js';
import type { EventSink, TaskFlow } from '../events/dispatcher-event.js';
import type { Format } from '../formats/format.js';
import type { CancelReasonOf } from './gates/cancel-gate.js';
import type { TaskGate } from './gates/task-gate.js';
import type { Handler } from './handler.js';
import type { LeaseOptions } from './lease/lease-gate.js';
import type { OutcomeRecorder } from '../results/outcome-recorder.js';
import type { ResultsOf } from './result-keeper.js';
import type { ObservedRun, RunObserver } from './run-observer.js';
import type { Steps } from './steps/steps.js';
import type { TaskLogger } from './task-context.js';

/** What a worker is given; it makes nothing of this itself. */
export interface WorkerDependencies {
  broker: Broker;
  format: Format;
  /** By task name. */
  /** More may come while it runs. */
  handlers: ReadonlyMap<string, Handler>;
  /** Where a name is unknown: of a module that was loaded meanwhile. */
  lateHandler?: (name: string) => Handler | undefined;
  emit: EventSink;
  /** Told of every task while somebody wants to know. Default: nobody does. */
  taskFlow?: TaskFlow;
  /** A logger whose lines name this task. Called only when a handler asks for it. */
  loggerFor(taskName: string, uuid: string, fields?: () => object): TaskLogger;
  /** Larger bodies become dead letters unread. */
  maxTaskBytes: number;
  /** Gets the body of a message that is kept elsewhere, so that it can be decoded. `undefined`: it has its own. Default: all have. */
  fetch?: ((message: Delivery) => Promise<void> | undefined) | undefined;
  /** Nobody needs the body of this message any more. Never throws. */
  release?: ((message: Delivery) => void) | undefined;
  /** Whether tasks of this name are to wait. Default: never. */
  isTaskPaused?: (taskName: string) => boolean;
  /** Who called a task off, of a name that is unknown here; what is run, its gate keeps from running. Default: nobody. */
  cancelReasonOf?: CancelReasonOf;
  /** Whether somebody living takes tasks of this name, which are unknown here, from this worker's queue. Never rejects. Default: nobody is known to. */
  whoTakes?: (queue: string, taskName: string) => Promise<Taker>;
  /** Where results are kept, and of which tasks. Default: nowhere. */
  results?: { recorder: OutcomeRecorder; of: ResultsOf };
  /** Where the steps of tasks are recorded; its gate is one of `gates`. Default: nowhere. */
  steps?: Pick<Steps, 'journalOf'>;
  /** What deliveries pass before they run, in this order. Default: none. */
  gates?: readonly TaskGate[];
  /** Is told of every run. Default: nobody is. */
  observer?: RunObserver | undefined;
  /** How what runs for long is taken over; its gate is one of `gates`. Absent where the broker never takes a delivery away. */
  lease?: LeaseOptions | undefined;
}

/** `unsure`: those who might have just been asked, or cannot be asked for now. */
export type Taker = 'somebody' | 'nobody' | 'unsure';

/** What a worker has in hand now. @publicApi */
export interface WorkerActivity {
  /** Running handlers, and deliveries that are being settled or moved. */
  readonly running: number;
  /** Delivered, and waiting here for a slot. */
  readonly waiting: number;
  /** How many have ended here, in whatever way, since it was started. */
  readonly ended: number;
}

export interface Worker {
  readonly name: string;
  readonly queue: string;
  /** `queue`, and the queues beside it, once it is prepared. */
  readonly queues: readonly string[];
  /** How many handlers may run at once now. */
  readonly limit: number;
  readonly activity: WorkerActivity;
  /** Whose handlers were called, and whose end is not recorded yet. */
  readonly runs: readonly ObservedRun[];
  /**
   * From now on so many at once, also after a restart of the worker. More start at once; a smaller number
   * takes effect as running tasks end.
   *
   * @throws ConfigurationError for what is no whole number from 1
   */
  setLimit(limit: number): void;
  /**
   * Paused: consumes nothing, gives back what has not started, lets running tasks end. Also before it is
   * started, and through restarts. Resolves when it is so; rejects when consuming cannot begin again.
   */
  setPaused(paused: boolean): Promise<void>;
  /** Asks those running tasks to stop that were called off; those that have not started, its gate keeps from it. */
  cancel(reasonOf: CancelReasonOf): void;
  /** Declares the queue, its bindings and its dead letter queue. */
  prepare(): Promise<void>;
  /** Starts to consume. Idempotent; a closed worker can be started again. */
  start(): Promise<void>;
  /**
   * Takes no more, gives back uncharged what has not started, waits for running tasks until the
   * deadline, then aborts their signals and leaves them to the broker. Idempotent.
   */
  close(deadlineMs?: number): Promise<void>;
  /** A close under way acts as if its deadline had come. Says why. */
  hurry(cause: string): void;
}
