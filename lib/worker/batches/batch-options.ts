import type { ArgumentKey } from '../../task/argument-key.js';

/** A handler that takes many tasks of its name at once. @publicApi */
export interface BatchOptions {
  /** How many one call of the handler gets at most, from 1 to 10,000. */
  size: number;
  /**
   * How long the first task of a call waits for more, in milliseconds, from 0 to 60,000. Whatever is there by then is
   * handled; 0 takes together what has been delivered already. Default: 50.
   */
  waitMs?: number;
  /**
   * All tasks of one call have the same key: the place of an argument (`account` of the first one, `1`, `1.id`), or a
   * function of the arguments. Tasks without one go together. Default: there are no keys.
   */
  by?: ArgumentKey;
}

export const DEFAULT_WAIT_MS = 50;
export const LARGEST_BATCH = 10_000;
export const LONGEST_WAIT_MS = 60_000;
