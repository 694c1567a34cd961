import { keyWithoutLevel } from '../../../task/queue-lines.js';
import { LOOK_AGAIN_MS, problemOf, type Teller } from '../../store/undeliverable.js';
import type { WriteOperation } from './batch-writer.js';
import { buryIn } from './bury-operation.js';
import { delayedKey, dueTimeOf, orderOfDelayed } from './keys.js';
import { getBody, putBody } from './large-bodies.js';
import { addressRecord, bodyIdOf, decodeRecord, queueOf, ROUTED_WHEN_DUE } from './message-record.js';
import type { StoreTransaction } from './store-transaction.js';
import type { Tables } from './tables.js';
import type { UntoldMessage } from './untold-messages.js';

const MOST_AT_ONCE = 1000;

/** What is to be done about what could not be delivered. */
export interface DueOutcome {
  readonly warnings: string[];
  readonly untold: UntoldMessage[];
  /** Of which somebody is being told: where they wait now. */
  readonly moved: Pick<UntoldMessage, 'order' | 'key'>[];
}

export interface DueHost {
  tellerOf(exchange: string): Teller;
  isBeingTold(order: number): boolean;
  /** `undefined`: it failed. */
  done(outcome: DueOutcome | undefined): void;
}

/** Moves delayed messages that are due to the end of their queues. */
export class DueOperation implements WriteOperation {
  readonly bytes = 64 * 1024;
  private outcome = nothing();

  constructor(private readonly now: number, private readonly host: DueHost) {}

  apply(transaction: StoreTransaction): void {
    const { delayed } = transaction.tables;
    this.outcome = nothing();
    const due = [...delayed.getRange({ end: delayedKey(this.now + 1, 0), limit: MOST_AT_ONCE })];
    for (const { key, value } of due) {
      void delayed.remove(key);
      if (queueOf(value) === ROUTED_WHEN_DUE) this.route(transaction, key, value);
      else transaction.addReady(queueOf(value), transaction.nextOrder(), value);
    }
  }

  committed(): void {
    this.host.done(this.outcome);
  }

  failed(): boolean {
    this.host.done(undefined);
    return false;
  }

  private route(transaction: StoreTransaction, key: Buffer, record: Buffer): void {
    let queues;
    try {
      queues = queuesFor(transaction, record);
    } catch (error) {
      return this.giveUp(transaction, key, record, problemOf(error));
    }
    queues.forEach((queue, index) => {
      const copy = index === 0 ? Buffer.from(record) : withOwnBody(transaction, record);
      addressRecord(copy, queue.id, bodyIdOf(copy));
      transaction.addReady(queue.id, transaction.nextOrder(), copy);
    });
  }

  private giveUp(transaction: StoreTransaction, key: Buffer, record: Buffer, problem: string): void {
    const order = orderOfDelayed(key);
    const tell = this.host.tellerOf(decodeRecord(record).exchange);
    if (tell === 'nobody') {
      this.outcome.warnings.push(buryIn(transaction, record, problem, this.now));
      return;
    }
    const later = delayedKey(this.now + LOOK_AGAIN_MS, order);
    void transaction.tables.delayed.put(later, record);
    if (this.host.isBeingTold(order)) this.outcome.moved.push({ order, key: later });
    else if (tell !== 'others') this.outcome.untold.push({ order, key: later, record: Buffer.from(record), tell, problem });
  }
}

function nothing(): DueOutcome {
  return { warnings: [], untold: [], moved: [] };
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
