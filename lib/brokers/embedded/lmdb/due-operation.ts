import { keyWithoutLevel } from '../../../task/queue-lines.js';
import { undeliverable } from '../undeliverable.js';
import type { WriteOperation } from './batch-writer.js';
import { declareIn } from './declare-operation.js';
import { delayedKey, dueTimeOf } from './keys.js';
import { getBody, putBody } from './large-bodies.js';
import { addressRecord, bodyIdOf, decodeRecord, encodeRecord, queueOf, ROUTED_WHEN_DUE } from './message-record.js';
import type { StoreTransaction } from './store-transaction.js';
import type { Tables } from './tables.js';

const MOST_AT_ONCE = 1000;

/** Moves delayed messages that are due to the end of their queues. */
export class DueOperation implements WriteOperation {
  readonly bytes = 64 * 1024;
  private warnings: string[] = [];

  constructor(
    private readonly now: number,
    private readonly done: (failed: boolean, warnings: readonly string[]) => void,
  ) {}

  apply(transaction: StoreTransaction): void {
    const { delayed } = transaction.tables;
    this.warnings = [];
    const due = [...delayed.getRange({ end: delayedKey(this.now + 1, 0), limit: MOST_AT_ONCE })];
    for (const { key, value } of due) {
      void delayed.remove(key);
      if (queueOf(value) === ROUTED_WHEN_DUE) this.route(transaction, value);
      else transaction.addReady(queueOf(value), transaction.nextOrder(), value);
    }
  }

  committed(): void {
    this.done(false, this.warnings);
  }

  failed(): boolean {
    this.done(true, []);
    return false;
  }

  private route(transaction: StoreTransaction, record: Buffer): void {
    let queues;
    try {
      queues = queuesFor(transaction, record);
    } catch (error) {
      return this.keepUndelivered(transaction, record, error);
    }
    queues.forEach((queue, index) => {
      const copy = index === 0 ? Buffer.from(record) : withOwnBody(transaction, record);
      addressRecord(copy, queue.id, bodyIdOf(copy));
      transaction.addReady(queue.id, transaction.nextOrder(), copy);
    });
  }

  private keepUndelivered(transaction: StoreTransaction, record: Buffer, error: unknown): void {
    const { exchange, routingKey, properties, body = getBody(transaction.tables, record) } = decodeRecord(record);
    const { queue, topology, message, warning } = undeliverable(exchange, routingKey, { body, properties }, error, this.now);
    if (transaction.routes.queue(queue) === undefined) declareIn(transaction, exchange, topology);
    const kept = encodeRecord(message, '', queue);
    for (const { id } of transaction.routes.route(exchange, { queue })) {
      addressRecord(kept, id, bodyIdOf(record));
      transaction.addReady(id, transaction.nextOrder(), kept);
    }
    this.warnings.push(warning);
  }
}

/** @throws UnroutableTaskError when there is none, with its level and without */
function queuesFor({ routes }: StoreTransaction, record: Buffer): ReturnType<StoreTransaction['routes']['route']> {
  const { exchange, routingKey, properties } = decodeRecord(record);
  try {
    return routes.route(exchange, { routingKey });
  } catch (error) {
    const plain = keyWithoutLevel(routingKey, properties.headers);
    if (plain === undefined) throw error;
    return routes.route(exchange, { routingKey: plain });
  }
}

/** A large body is removed with its message, so no two may share one. */
function withOwnBody(transaction: StoreTransaction, record: Buffer): Buffer {
  const copy = Buffer.from(record);
  if (bodyIdOf(record) === 0) return copy;
  const bodyId = transaction.nextOrder();
  putBody(transaction.tables, bodyId, getBody(transaction.tables, record));
  addressRecord(copy, queueOf(record), bodyId);
  return copy;
}

/** When the earliest delayed message is due. */
export function earliestDue({ delayed }: Tables): number | undefined {
  for (const key of delayed.getKeys({ limit: 1 })) return dueTimeOf(key);
  return undefined;
}
