import type { WriteOperation } from './batch-writer.js';
import type { StoreTransaction } from './store-transaction.js';
import { numberRecord, readNumber, type Tables } from './tables.js';

/** Raises a counter that every process of the folder looks at. */
export class SignalOperation implements WriteOperation {
  readonly bytes = 64;

  constructor(
    private readonly name: string,
    private readonly done: (error?: Error) => void,
  ) {}

  apply({ tables }: StoreTransaction): void {
    void tables.meta.put(signalKey(this.name), numberRecord(readSignalCount(tables, this.name) + 1));
  }

  committed(): void {
    this.done();
  }

  failed(error: Error): boolean {
    this.done(error);
    return false;
  }
}

export function readSignalCount({ meta }: Tables, name: string): number {
  return readNumber(meta, signalKey(name));
}

function signalKey(name: string): Buffer {
  return Buffer.from(`signal:${name}`);
}
