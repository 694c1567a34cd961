/**
 * Whom a change breaks. `publishers`: who publishes by the old contract is refused, or not understood. `queued`: what waits
 * in queues already becomes dead letters, or stays there. `results`: who awaits a result gets another one than it knows.
 *
 * @publicApi
 */
export type Broken = 'publishers' | 'queued' | 'results';

/** @publicApi */
export interface ContractChange {
  /** Absent: of the whole contract. */
  readonly task?: string;
  readonly version?: number;
  /** Nobody: it is harmless. */
  readonly breaks: readonly Broken[];
  /** In words, without the name of the task. */
  readonly text: string;
}

export type TaskChange = Pick<ContractChange, 'breaks' | 'text'>;
