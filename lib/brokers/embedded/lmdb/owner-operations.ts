import type { WriteOperation } from './batch-writer.js';
import { orderOfTaken, ownerKey, takenKey } from './keys.js';
import { deliveryCountOf, markReturned, queueOf, setDeliveryCount } from './message-record.js';
import type { OwnerRecord } from './shared-state.js';
import type { StoreTransaction } from './store-transaction.js';

type Done = (error?: unknown) => void;

/** Puts this process on record. `into` gets its number once it is committed. */
export class RegisterOperation implements WriteOperation {
  readonly bytes = 256;
  private owner = 0;

  constructor(
    private readonly record: OwnerRecord,
    private readonly into: (owner: number) => void,
    private readonly done: Done,
  ) {}

  apply(transaction: StoreTransaction): void {
    this.owner = transaction.nextOrder();
    transaction.ownersWillChange();
    void transaction.tables.owners.put(ownerKey(this.owner), Buffer.from(JSON.stringify(this.record)));
  }

  committed(): void {
    this.into(this.owner);
    this.done();
  }

  failed(error: unknown): boolean {
    this.done(error);
    return false;
  }
}

/** Says for which queues this process has consumers. */
export class UpdateOwnerOperation implements WriteOperation {
  readonly bytes = 256;

  constructor(
    private readonly owner: number,
    private readonly record: OwnerRecord,
  ) {}

  apply(transaction: StoreTransaction): void {
    if (!transaction.owners.has(this.owner)) return;
    transaction.ownersWillChange();
    void transaction.tables.owners.put(ownerKey(this.owner), Buffer.from(JSON.stringify(this.record)));
  }

  committed(): void {
    // Nobody waits for it.
  }

  failed(): boolean {
    return true;
  }
}

/**
 * Takes a process off the record and gives back what it held, each to its old place and marked: it may have been worked
 * on. For a dead process, whose death is counted with each; and for this one when it leaves in order.
 */
export class RetireOperation implements WriteOperation {
  readonly bytes = 4096;

  constructor(
    private readonly owner: number,
    private readonly end: 'died' | 'left',
    private readonly done: Done,
  ) {}

  apply(transaction: StoreTransaction): void {
    const { owners, taken } = transaction.tables;
    // Several processes notice a death; the first one does the work.
    if (owners.getBinary(ownerKey(this.owner)) === undefined) return;
    transaction.ownersWillChange();
    owners.removeSync(ownerKey(this.owner));
    const held = [...taken.getRange({ start: takenKey(this.owner, 0, 0), end: takenKey(this.owner + 1, 0, 0) })];
    for (const { key, value } of held) {
      void taken.remove(key);
      if (this.end === 'died') setDeliveryCount(value, deliveryCountOf(value) + 1);
      else markReturned(value);
      transaction.addReady(queueOf(value), orderOfTaken(key), value);
    }
  }

  committed(): void {
    this.done();
  }

  failed(error: unknown): boolean {
    this.done(error);
    return false;
  }
}
