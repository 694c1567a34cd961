import type { Delivery, MessageProperties } from '../../brokers/broker.js';

/** Where the delivery came from, and where it waits for a slot. */
export interface DeliveryLine {
  /** Delivered and not settled. */
  out: number;
  push(delivery: Delivery): void;
}

/** A delivery that knows by which line it came, so that the line knows how many it has out. */
export class LineDelivery implements Delivery {
  readonly body: Buffer;
  readonly properties: MessageProperties;
  private isOut = true;

  constructor(readonly line: DeliveryLine, private readonly inner: Delivery) {
    this.body = inner.body;
    this.properties = inner.properties;
    line.out++;
  }

  get queue(): string { return this.inner.queue; }
  get exchange(): string { return this.inner.exchange; }
  get routingKey(): string { return this.inner.routingKey; }
  get redelivered(): boolean { return this.inner.redelivered; }
  get deliveryCount(): number | undefined { return this.inner.deliveryCount; }

  ack(): boolean {
    this.settled();
    return this.inner.ack();
  }

  requeue(): boolean {
    this.settled();
    return this.inner.requeue();
  }

  private settled(): void {
    if (!this.isOut) return;
    this.isOut = false;
    this.line.out--;
  }
}
