/** One run of a handler. */
export interface Run {
  readonly uuid: string;
  readonly name: string;
  readonly attempt: number;
  readonly owner: number;
  readonly key: string | undefined;
  readonly redelivered: boolean;
  /** `aborted`: it was given up, and what it does then is ignored. `gone`: with its process. */
  state: 'running' | 'returned' | 'threw' | 'gave-up' | 'aborted' | 'gone';
}

/** All that is known of one task. */
export interface Account {
  readonly uuid: string;
  /** The unique key that it has taken. */
  key: string | undefined;
  /** The server had it at one time. */
  isStored: boolean;
  /** It may be there once only. */
  isOnce: boolean;
  /** It was in a queue that an operator has deleted. */
  isExcused: boolean;
  /** It was called off, because the workflow that it is a step of has ended. */
  isCalledOff: boolean;
  /** In queues of work, or on their way to one. */
  copies: number;
  dead: number;
  /** How many processes died that had it in hand. */
  crashes: number;
  readonly runs: Run[];
}

export function newAccount(uuid: string): Account {
  return { uuid, key: undefined, isStored: false, isOnce: false, isExcused: false, isCalledOff: false, copies: 0, dead: 0, crashes: 0, runs: [] };
}

export function hasSucceeded({ runs }: Account): boolean {
  return runs.some(({ state }) => state === 'returned');
}

/** It is over, in whatever way. */
export function hasEnded(account: Account): boolean {
  return hasSucceeded(account) || account.dead > 0;
}

export function failuresOf({ runs }: Account, attempt: number): number {
  return runs.filter((run) => run.attempt === attempt && (run.state === 'threw' || run.state === 'gave-up' || run.state === 'aborted')).length;
}
