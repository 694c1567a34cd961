import type { DispatcherError } from '../../../errors.js';
import type { MessageProperties } from '../../broker.js';
import type { WriteOperation } from './batch-writer.js';
import { orderOfReady, readyKey, takenKey } from './keys.js';
import { getBody } from './large-bodies.js';
import { bodySizeOf, decodeRecord } from './message-record.js';
import type { OwnerRecord } from './shared-state.js';
import type { StoreTransaction } from './store-transaction.js';
import { StoredTaken } from './stored-taken.js';
import type { Tables } from './tables.js';

/** What a take may read into memory at once; one message always fits. */
const MOST_BYTES = 32 * 1024 * 1024;

export interface TakeResult {
  readonly taken: readonly StoredTaken[];
  /** Messages were left to consumers in other processes, whose turn it is. */
  readonly leftToOthers: boolean;
  /** More is waiting, and nobody else's turn. */
  readonly more: boolean;
}

const NOTHING: TakeResult = { taken: [], leftToOthers: false, more: false };

/** Moves the oldest messages of a queue into the hands of this process. */
export class TakeOperation implements WriteOperation {
  readonly bytes = 0;
  private result = NOTHING;

  constructor(
    private readonly queueId: number,
    private readonly wanted: number,
    private readonly owner: number,
    private readonly into: (result: TakeResult) => void,
  ) {}

  apply(transaction: StoreTransaction): void {
    // Taken for dead and replaced: a message taken now would belong to nobody.
    if (!transaction.owners.has(this.owner)) return;
    const waiting = transaction.count(this.queueId);
    const share = fairShare(waiting, this.queueId, this.owner, transaction.owners);
    const taken = this.moveOldest(transaction, Math.min(this.wanted, share));
    const left = transaction.count(this.queueId);
    const leftToOthers = share < this.wanted && left > 0;
    this.result = { taken, leftToOthers, more: left > 0 && !leftToOthers };
  }

  committed(): void {
    this.into(this.result);
  }

  failed(_error: DispatcherError): boolean {
    this.into(NOTHING);
    return false;
  }

  private moveOldest(transaction: StoreTransaction, limit: number): StoredTaken[] {
    const { tables } = transaction;
    const found: { key: Buffer; value: Buffer }[] = [];
    if (limit === 0) return [];
    let bytes = 0;
    for (const entry of oldest(tables, this.queueId, limit)) {
      bytes += bodySizeOf(entry.value);
      if (bytes > MOST_BYTES && found.length > 0) break;
      found.push(entry);
    }
    return found.map(({ key, value }) => {
      const order = orderOfReady(key);
      transaction.removeReady(this.queueId, key);
      void tables.taken.put(takenKey(this.owner, this.queueId, order), value);
      const { exchange, routingKey, properties, body = getBody(tables, value) } = decodeRecord(value);
      return new StoredTaken(this.owner, this.queueId, order, value, body, properties, exchange, routingKey);
    });
  }
}

/** What the next one to be taken says of itself, which stays. */
export function firstProperties(tables: Tables, queueId: number | undefined): MessageProperties | undefined {
  if (queueId === undefined) return undefined;
  tables.root.resetReadTxn();
  for (const { value } of oldest(tables, queueId, 1)) return decodeRecord(value).properties;
  return undefined;
}

function oldest(tables: Tables, queueId: number, limit: number): Iterable<{ key: Buffer; value: Buffer }> {
  return tables.ready.getRange({ start: readyKey(queueId, 0), end: readyKey(queueId + 1, 0), limit });
}

/** How many of the waiting messages are this process's turn, by its part of all consumers of the queue. */
function fairShare(waiting: number, queueId: number, owner: number, owners: ReadonlyMap<number, OwnerRecord>): number {
  let all = 0;
  for (const record of owners.values()) all += record.consumers[queueId] ?? 0;
  const own = owners.get(owner)?.consumers[queueId] ?? 0;
  // A consumer that is not on record yet is the only one that we know of for sure.
  if (own === 0 || own === all) return waiting;
  return Math.ceil((waiting * own) / all);
}
