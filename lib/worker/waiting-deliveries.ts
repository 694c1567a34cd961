import type { Delivery } from '../brokers/broker.js';

/** Deliveries that wait for a slot, first in first out; the prefetch bounds them. */
export class WaitingDeliveries {
  private items: (Delivery | undefined)[] = [];
  private head = 0;
  private looked: { readonly at: number; readonly first: Delivery } | undefined;

  get size(): number { return this.items.length - this.head; }

  push(delivery: Delivery): void {
    this.items.push(delivery);
  }

  shift(): Delivery | undefined {
    if (this.head === this.items.length) return undefined;
    const delivery = this.items[this.head];
    this.items[this.head++] = undefined;
    if (this.head === this.items.length) {
      this.items.length = 0;
      this.head = 0;
    }
    return delivery;
  }

  /** For how long the first of them has been the first, as far as this was asked; in milliseconds. */
  age(now: number): number {
    const first = this.items[this.head];
    if (first === undefined) this.looked = undefined;
    else if (this.looked?.first !== first) this.looked = { at: now, first };
    return this.looked === undefined ? 0 : now - this.looked.at;
  }

  /** All of them, last first: given back in this order, a queue has its old order again. */
  takeAll(): Delivery[] {
    const all = this.items.slice(this.head).reverse() as Delivery[];
    this.items = [];
    this.head = 0;
    return all;
  }
}
