import type { Settlement } from '../../store/queue-store.js';
import type { WriteOperation } from './batch-writer.js';
import { takenKey } from './keys.js';
import { removeBody } from './large-bodies.js';
import { markReturned } from './message-record.js';
import type { StoreTransaction } from './store-transaction.js';
import type { StoredTaken } from './stored-taken.js';

/** Ends the time of a message in the hands of this process. */
export class SettleOperation implements WriteOperation {
  readonly bytes: number;

  constructor(
    private readonly taken: StoredTaken,
    private readonly how: Settlement,
  ) {
    this.bytes = how === 'ack' ? 64 : taken.record.length;
  }

  apply(transaction: StoreTransaction): void {
    const { taken } = this;
    const { tables } = transaction;
    // Not there: this process was taken for dead, and the message belongs to somebody else.
    if (!tables.taken.removeSync(takenKey(taken.owner, taken.queueId, taken.order))) return;
    if (this.how === 'ack') return removeBody(tables, taken.record);
    const record = Buffer.from(taken.record);
    if (this.how === 'requeue') markReturned(record);
    transaction.addReady(taken.queueId, taken.order, record);
  }

  committed(): void {
    // Nobody waits for it.
  }

  failed(): boolean {
    // A disk that is full refuses even this; it is the way to room again.
    return true;
  }
}
