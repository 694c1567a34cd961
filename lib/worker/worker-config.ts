import type { QueueType } from '../brokers/broker.js';

/** One worker: it consumes one queue and runs up to `limit` handlers at once. @publicApi */
export interface WorkerConfig {
  /** Unique within a dispatcher; also the consumer's tag at the broker. */
  name: string;
  /** The queue to consume; declared, with its bindings, when the worker is created. */
  queue: string;
  /** How many handlers run at once. 0 means the default, as in gofort/dispatcher. Default: 3. */
  limit?: number;
  /** The queue is bound to the exchange with these. Default: none. */
  bindingKeys?: string[];
  /** Names of the tasks that it runs. Default: every discovered `@Task` that is not assigned to other workers. */
  tasks?: string[];
  /**
   * Consumes `<queue>.high` and `<queue>.low` too, which carry what is published with a `priority`. Once they were there,
   * workers without this option go on with what is left in them. Default: false.
   */
  priorities?: boolean;
  /** As in `initQueues`. Default: `classic`. */
  type?: QueueType;
  /**
   * How long a task with a name unknown here is given back, with growing pauses, so that another
   * worker can take it, before it becomes a dead letter. Default: 60.
   */
  unknownTaskGraceSeconds?: number;
  /**
   * How often a task may come back unsettled, because its process died or lost its connection, before
   * it becomes a dead letter as the likely cause (`crash-loop`). Deliveries that are given back
   * unstarted count too, since brokers cannot tell them apart. Default: 10.
   */
  maxRedeliveries?: number;
}

export const DEFAULT_LIMIT = 3;
