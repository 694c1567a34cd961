import type { ConsumeMessage } from 'amqplib';
import type { Delivery, MessageProperties } from '../../broker.js';
import type { Grant } from './grant.js';
import { portProperties } from './port-properties.js';

/** Where deliveries are settled: the channel that they came on. */
export interface DeliveryChannel {
  settle(delivery: AmqpDelivery, requeue: boolean): boolean;
  readonly isGone: boolean;
}

/**
 * One delivery; one small object and no closure, for there are tens of thousands a second.
 *
 * `body` is a view into what was read from the socket (up to 64 KiB): whoever keeps it beyond
 * settlement should copy it. Until then the prefetch bounds what is held.
 */
export class AmqpDelivery implements Delivery {
  readonly body: Buffer;
  readonly properties: MessageProperties;
  private readonly fields: ConsumeMessage['fields'];
  settled = false;

  constructor(
    private readonly channel: DeliveryChannel,
    readonly grant: Grant,
    message: ConsumeMessage,
  ) {
    this.body = message.content;
    this.fields = message.fields;
    this.properties = portProperties(message.properties);
  }

  get tag(): number {
    return this.fields.deliveryTag;
  }

  get queue(): string {
    return this.grant.queue;
  }

  get exchange(): string {
    return this.fields.exchange;
  }

  get routingKey(): string {
    return this.fields.routingKey;
  }

  get redelivered(): boolean {
    return this.fields.redelivered;
  }

  get deliveryCount(): number | undefined {
    const count = this.properties.headers?.['x-delivery-count'];
    return typeof count === 'number' ? count : undefined;
  }

  /** The broker has given it to somebody else by now, or will: settling it is too late. */
  get isLost(): boolean {
    return this.channel.isGone || this.grant.revoked;
  }

  ack(): boolean {
    return this.channel.settle(this, false);
  }

  requeue(): boolean {
    return this.channel.settle(this, true);
  }
}
