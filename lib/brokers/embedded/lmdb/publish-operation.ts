import { InvalidTaskError, PublishTimeoutError, type DispatcherError } from '../../../errors.js';
import type { Address, Message } from '../../broker.js';
import type { WriteOperation } from './batch-writer.js';
import { delayedKey } from './keys.js';
import { putBody } from './large-bodies.js';
import { addressRecord, encodeRecord, LARGEST_INLINE_BODY, ROUTED_WHEN_DUE } from './message-record.js';
import type { StoreTransaction } from './store-transaction.js';

/** How a publish ended, for its promise and for the account of waiting bytes. */
export interface PublishOutcome {
  resolve(): void;
  reject(error: unknown): void;
  /** Called once, before the others. */
  done(operation: PublishOperation): void;
}

export class PublishOperation implements WriteOperation {
  readonly bytes: number;
  private readonly record: Buffer;
  private readonly body: Buffer | undefined;
  private settled = false;

  constructor(
    private readonly exchange: string,
    message: Message,
    private readonly address: Address,
    /** 0: not delayed. */
    readonly dueAt: number,
    private readonly deadline: number,
    private readonly outcome: PublishOutcome,
  ) {
    this.record = 'queue' in address ? encodeRecord(message, '', address.queue) : encodeRecord(message, exchange, address.routingKey);
    this.body = message.body.length > LARGEST_INLINE_BODY ? message.body : undefined;
    this.bytes = this.record.length + (this.body?.length ?? 0) + 256;
  }

  apply(transaction: StoreTransaction): void {
    if (this.dueAt > 0 && 'routingKey' in this.address) return this.add(transaction, ROUTED_WHEN_DUE);
    for (const queue of transaction.routes.route(this.exchange, this.address)) this.add(transaction, queue.id);
  }

  committed(): void {
    if (this.settle()) this.outcome.resolve();
  }

  failed(error: DispatcherError): boolean {
    if (this.settle()) this.outcome.reject(error);
    return false;
  }

  overdue(now: number): boolean {
    if (now < this.deadline) return false;
    if (this.settle()) {
      this.outcome.reject(new PublishTimeoutError(
        'The embedded broker could not write the message in time: the disk hangs, or another process keeps the folder locked (a stopped one, for example). The message may still be stored. Look for such a process, then publish again under the same uuid.'));
    }
    return true;
  }

  private add(transaction: StoreTransaction, queueId: number): void {
    const order = transaction.nextOrder();
    addressRecord(this.record, queueId, this.body === undefined ? 0 : order);
    if (this.body !== undefined) putBody(transaction.tables, order, this.body);
    if (this.dueAt === 0) transaction.addReady(queueId, order, this.record);
    else void transaction.tables.delayed.put(delayedKey(this.dueAt, order), this.record);
  }

  private settle(): boolean {
    if (this.settled) return false;
    this.settled = true;
    this.outcome.done(this);
    return true;
  }
}

/** @throws InvalidTaskError when the headers hold what no text can say: a circle, a bigint, ten thousand levels */
export function publishOperation(...args: ConstructorParameters<typeof PublishOperation>): PublishOperation {
  try {
    return new PublishOperation(...args);
  } catch (error) {
    throw new InvalidTaskError(
      `The headers of a message cannot be stored: ${(error as Error).message}. Use strings, finite numbers, booleans, null, lists and plain objects.`, {}, error);
  }
}
