import type { Delivery, MessageProperties } from '../broker.js';
import type { Settlement, TakenMessage } from './message-store.js';

/** Whoever gave out a delivery and hears how it ended. */
export interface DeliveryOwner {
  readonly queue: string;
  settle(delivery: EmbeddedDelivery, how: Settlement): boolean;
}

export class EmbeddedDelivery implements Delivery {
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
    // Copied: a message in memory counts on when it comes back.
    this.deliveryCount = taken.deliveryCount;
    this.redelivered = taken.deliveryCount > 0;
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
