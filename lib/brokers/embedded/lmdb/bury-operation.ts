import { undeliverable } from '../../store/undeliverable.js';
import type { WriteOperation } from './batch-writer.js';
import { declareIn } from './declare-operation.js';
import { getBody } from './large-bodies.js';
import { addressRecord, bodyIdOf, decodeRecord, encodeRecord } from './message-record.js';
import type { StoreTransaction } from './store-transaction.js';

/** Puts a delayed message aside of which everybody was told; unless another process has, or looks at it anew. */
export class BuryOperation implements WriteOperation {
  readonly bytes = 64 * 1024;
  private warning: string | undefined;

  constructor(
    /** Of the delayed ones. */
    private readonly key: Buffer,
    private readonly problem: string,
    private readonly now: number,
    private readonly buried: (warning: string) => void,
  ) {}

  apply(transaction: StoreTransaction): void {
    const { delayed } = transaction.tables;
    const record = delayed.getBinary(this.key);
    this.warning = undefined;
    if (record === undefined) return;
    this.warning = buryIn(transaction, record, this.problem, this.now);
    void delayed.remove(this.key);
  }

  committed(): void {
    if (this.warning !== undefined) this.buried(this.warning);
  }

  failed(): boolean {
    // It is still there, and is looked at again.
    return false;
  }
}

/** Returns what the log says of it. */
export function buryIn(transaction: StoreTransaction, record: Buffer, problem: string, now: number): string {
  const { exchange, routingKey, properties, body = getBody(transaction.tables, record) } = decodeRecord(record);
  const { queue, topology, message, warning } = undeliverable(exchange, routingKey, { body, properties }, problem, now);
  if (transaction.routes.queue(queue) === undefined) declareIn(transaction, exchange, topology);
  const kept = encodeRecord(message, '', queue);
  for (const { id } of transaction.routes.route(exchange, { queue })) {
    addressRecord(kept, id, bodyIdOf(record));
    transaction.addReady(id, transaction.nextOrder(), kept);
  }
  return warning;
}
