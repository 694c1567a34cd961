import type { Delivery, MessageProperties } from '../broker.js';
import type { Settlement, TakenMessage } from './queue-store.js';

/** Whoever gave out a delivery and hears how it ended. */
export interface DeliveryOwner {
  readonly queue: string;
  settle(delivery: StoreDelivery, how: Settlement): boolean;
}

export class StoreDelivery implements Delivery {
  readonly body: Buffer;
  readonly properties: MessageProperties;
  readonly redelivered: boolean;
  readonly deliveryCount: number;

  constructor(
    private readonly owner: DeliveryOwner,
    readonly taken: TakenMessage,
  ) {
    this.body = taken.body;
    this.properties = taken.properties;
    this.deliveryCount = taken.deliveryCount;
    // Copied: a message in memory is marked when it goes back.
    this.redelivered = taken.redelivered;
  }

  get queue(): string {
    return this.owner.queue;
  }

  get exchange(): string {
    return this.taken.exchange;
  }

  get routingKey(): string {
    return this.taken.routingKey;
  }

  ack(): boolean {
    return this.owner.settle(this, 'ack');
  }

  requeue(): boolean {
    return this.owner.settle(this, 'requeue');
  }
}
