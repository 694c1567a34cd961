import type { ServerConfig, TaskInput } from '../../../lib/index.js';

/** How a test and the application that it started talk: one JSON object a line, each way. */

/** The environment variable with the configuration of an application, as JSON. */
export const CONFIG_VARIABLE = 'DISPATCHER_FAULT_APP';

export type AppConfig = Omit<ServerConfig, 'logger' | 'tlsConfig'>;

export type Command =
  /** Publishes one task, answered by `accepted` or `rejected`. */
  | { do: 'publish'; task: TaskInput & { uuid: string } }
  /** Publishes many, answered for each, and `burst-done` after the last. */
  | { do: 'burst'; burst: Burst }
  /** Publishes each task of `refused-tasks.ts`, answered by one `refused` each. */
  | { do: 'publish-refused' }
  /** Lets the handlers of `hold` and `hold_politely` end. */
  | { do: 'release' };

export interface Burst {
  /** Their uuids are this, a dash and a number from 0. */
  prefix: string;
  count: number;
  /** How many may be without an answer at a time. */
  window: number;
  /** What the handler of each takes, in milliseconds. */
  workMs: number;
  /** Every so many-th one is a task that fails, and so becomes a dead letter. Default: none. */
  failEvery?: number;
}

export type Note =
  | { kind: 'accepted' | 'finished'; uuid: string }
  | { kind: 'rejected'; uuid: string; code: string; text: string; tookMs: number }
  | { kind: 'started'; uuid: string; attempt: number; redelivered: boolean; args: unknown[] }
  | { kind: 'dead'; uuid: string; reason: string }
  | { note: 'ready' }
  | { note: 'burst-done'; prefix: string }
  /** `code` is missing where the task was taken all the same. */
  | { note: 'refused'; title: string; code?: string; text: string }
  | { note: 'log'; level: string; text: string };
