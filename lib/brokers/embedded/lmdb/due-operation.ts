import type { WriteOperation } from './batch-writer.js';
import { delayedKey, dueTimeOf } from './keys.js';
import { queueOf } from './message-record.js';
import type { StoreTransaction } from './store-transaction.js';
import type { Tables } from './tables.js';

const MOST_AT_ONCE = 1000;

/** Moves delayed messages that are due to the end of their queues. */
export class DueOperation implements WriteOperation {
  readonly bytes = 64 * 1024;

  constructor(
    private readonly now: number,
    private readonly done: (failed: boolean) => void,
  ) {}

  apply(transaction: StoreTransaction): void {
    const { delayed } = transaction.tables;
    const due = [...delayed.getRange({ end: delayedKey(this.now + 1, 0), limit: MOST_AT_ONCE })];
    for (const { key, value } of due) {
      void delayed.remove(key);
      transaction.addReady(queueOf(value), transaction.nextOrder(), value);
    }
  }

  committed(): void {
    this.done(false);
  }

  failed(): boolean {
    this.done(true);
    return false;
  }
}

/** When the earliest delayed message is due. */
export function earliestDue({ delayed }: Tables): number | undefined {
  for (const key of delayed.getKeys({ limit: 1 })) return dueTimeOf(key);
  return undefined;
}
