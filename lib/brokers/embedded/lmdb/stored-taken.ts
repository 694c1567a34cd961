import type { MessageProperties } from '../../broker.js';
import type { TakenMessage } from '../../store/queue-store.js';
import { deliveryCountOf, wasReturned } from './message-record.js';

/** A message of a folder in the hands of this process. */
export class StoredTaken implements TakenMessage {
  constructor(
    readonly owner: number,
    readonly queueId: number,
    readonly order: number,
    readonly record: Buffer,
    readonly body: Buffer,
    readonly properties: MessageProperties,
    readonly exchange: string,
    readonly routingKey: string,
  ) {}

  get redelivered(): boolean {
    return wasReturned(this.record) || this.deliveryCount > 0;
  }

  get deliveryCount(): number {
    return deliveryCountOf(this.record);
  }
}
