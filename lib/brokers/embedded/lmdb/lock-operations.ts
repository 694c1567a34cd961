import type { WriteOperation } from './batch-writer.js';
import type { StoreTransaction } from './store-transaction.js';

/** Takes a lock for a process on record, unless a living one holds it: a dead holder is off the record, and its lock free. */
export class LockOperation implements WriteOperation {
  readonly bytes = 64;
  private taken = false;

  constructor(
    private readonly name: string,
    private readonly owner: number,
    private readonly done: (taken: boolean, error?: Error) => void,
  ) {}

  apply(transaction: StoreTransaction): void {
    const { tables, owners } = transaction;
    const holder = tables.meta.getBinary(lockKey(this.name))?.readDoubleBE(0);
    this.taken = owners.has(this.owner) && (holder === undefined || !owners.has(holder));
    if (!this.taken) return;
    const record = Buffer.allocUnsafe(8);
    record.writeDoubleBE(this.owner, 0);
    void tables.meta.put(lockKey(this.name), record);
  }

  committed(): void {
    this.done(this.taken);
  }

  failed(error: Error): boolean {
    this.done(false, error);
    return false;
  }
}

/** Gives a lock back. Tried until it is written: nobody else would free it while this process lives. */
export class UnlockOperation implements WriteOperation {
  readonly bytes = 64;

  constructor(
    private readonly name: string,
    private readonly owner: number,
    private readonly done: () => void,
  ) {}

  apply({ tables }: StoreTransaction): void {
    if (tables.meta.getBinary(lockKey(this.name))?.readDoubleBE(0) === this.owner) void tables.meta.remove(lockKey(this.name));
  }

  committed(): void {
    this.done();
  }

  failed(): boolean {
    // Whoever waits is not kept waiting by a disk that refuses.
    this.done();
    return true;
  }
}

function lockKey(name: string): Buffer {
  return Buffer.from(`lock:${name}`);
}
