import type { QueueTypeOption } from '../brokers/broker.js';
import type { FormatName } from '../task/format-name.js';
import type { WireOption } from '../task/wire.js';

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
  type?: QueueTypeOption;
  /** As in `initQueues`, of its queue. Default: the `wire` of the dispatcher. */
  wire?: WireOption;
  /** As in `initQueues`, of its queue: how a message is read of which its format cannot be seen, and what is published to its binding keys looks. Default: the `format` of the dispatcher. */
  format?: FormatName;
  /**
   * How long a task with a name unknown here is given back, with growing pauses, so that another
   * worker can take it, before it becomes a dead letter; counted only while no living worker is known to take it. 0: at
   * once, nobody is asked. Default: 60.
   */
  unknownTaskGraceSeconds?: number;
  /**
   * How many crashes a task may be seen to cause before it becomes a dead letter as the likely cause (`crash-loop`). A
   * crash is a run that was begun and of which its process never said anything any more; the run of a first delivery is
   * not watched, so that one crash more is needed. What goes back because of a pause, a smaller limit, a shutdown, a
   * lost connection or the crash of another task is none. Default: 10.
   */
  maxRedeliveries?: number;
}

export const DEFAULT_LIMIT = 3;
export const DEFAULT_MAX_REDELIVERIES = 10;
