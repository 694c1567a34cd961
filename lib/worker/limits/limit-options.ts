/** So many starts in any period of this length, over all processes. @publicApi */
export interface RateLimit {
  /** 1 to 10,000. */
  starts: number;
  /** The length of the period, in seconds: 0.1 or more. */
  perSeconds: number;
}

/** Each of them for each key by itself. @publicApi */
export interface KeyLimits {
  /** From the task's own arguments to its key, such as a customer; `undefined`: no key, and none of these limits. */
  key: (args: readonly unknown[]) => string | undefined;
  /** Runs of a key at once in this process. Default: no such limit. */
  process?: number;
  /** Runs of a key at once in all processes on the exchange. Default: no such limit. */
  global?: number;
  /** Starts of a key in a period, in all processes on the exchange. Default: no such limit. */
  rate?: RateLimit;
}

/**
 * What of one task name may run. Whatever must wait is given back with a delay, uncharged, and others run
 * meanwhile. @publicApi
 */
export interface TaskLimitOptions {
  /** Runs at once in this process, over all its workers. Default: no such limit. */
  process?: number;
  /** Runs at once in all processes on the exchange. Default: no such limit. */
  global?: number;
  /** Starts in a period, in all processes on the exchange. Default: no such limit. */
  rate?: RateLimit;
  /** The same for each key by itself: one at a time of each customer is `{ key: ([id]) => String(id), global: 1 }`. Default: none. */
  perKey?: KeyLimits;
}

/** Whether something has to be asked that other processes know too. */
export function isShared({ global, rate, perKey }: TaskLimitOptions): boolean {
  return (global ?? rate ?? perKey?.global ?? perKey?.rate) !== undefined;
}
