import type { WriteOperation } from './batch-writer.js';
import { readyKey } from './keys.js';
import { removeBody } from './large-bodies.js';
import type { StoreTransaction } from './store-transaction.js';

/** One transaction's worth: others must get a turn between. */
const MOST_PURGED = 1000;

/** Removes the oldest waiting messages of a queue. */
export class PurgeOperation implements WriteOperation {
  readonly bytes = 64 * 1024;
  private removed = 0;

  constructor(
    private readonly queueId: number,
    private readonly limit: number,
    private readonly done: (removed: number, error?: Error) => void,
  ) {}

  apply(transaction: StoreTransaction): void {
    const { tables } = transaction;
    const found = [...tables.ready.getRange({ start: readyKey(this.queueId, 0), end: readyKey(this.queueId + 1, 0), limit: Math.min(this.limit, MOST_PURGED) })];
    for (const { key, value } of found) {
      removeBody(tables, value);
      transaction.removeReady(this.queueId, key);
    }
    this.removed = found.length;
  }

  committed(): void {
    this.done(this.removed);
  }

  failed(error: Error): boolean {
    this.done(0, error);
    return false;
  }
}
