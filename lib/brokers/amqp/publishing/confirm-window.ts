import type { Outgoing } from './outgoing.js';

/**
 * The unconfirmed publishes of one channel by sequence number: a ring, because confirms come
 * nearly in order, a million times. amqplib's own list keeps confirmed entries for too long.
 */
export class ConfirmWindow {
  private readonly ring: (Outgoing | undefined)[];
  private readonly mask: number;
  /** The lowest number that may be unconfirmed. The first message of a channel is number 1. */
  private lowest = 1;
  private next = 1;
  /** Unconfirmed entries. */
  inFlight = 0;

  constructor(
    size: number,
    private readonly onConfirm: (outgoing: Outgoing, acked: boolean) => void,
  ) {
    // Twice the window: single confirms out of order must not close it.
    const capacity = 2 ** Math.ceil(Math.log2(Math.max(2, size * 2)));
    this.ring = new Array<Outgoing | undefined>(capacity).fill(undefined);
    this.mask = capacity - 1;
  }

  /** False when an old unconfirmed number still holds the whole ring. */
  get hasRoom(): boolean {
    return this.next - this.lowest <= this.mask;
  }

  add(outgoing: Outgoing): void {
    this.ring[this.next++ & this.mask] = outgoing;
    this.inFlight++;
  }

  confirm(tag: number, multiple: boolean, acked: boolean): void {
    if (multiple) {
      while (this.lowest <= tag && this.lowest < this.next) this.settle(this.lowest++, acked);
      return;
    }
    if (tag < this.lowest || tag >= this.next) return;
    this.settle(tag, acked);
    while (this.lowest < this.next && this.ring[this.lowest & this.mask] === undefined) this.lowest++;
  }

  /** A return names no number: the first unreturned one of its id and address, for they come back in order. */
  findReturned(messageId: string | undefined, exchange: string, routingKey: string): Outgoing | undefined {
    for (let number = this.lowest; number < this.next; number++) {
      const one = this.ring[number & this.mask];
      if (one !== undefined && !one.returned && one.messageId === messageId && one.routingKey === routingKey && one.exchange === exchange) return one;
    }
    return undefined;
  }

  /** What is unconfirmed, in order. */
  unconfirmed(): Outgoing[] {
    const all: Outgoing[] = [];
    this.each((one) => void all.push(one));
    return all;
  }

  /** As {@link unconfirmed}, without a list of them; `visit` must not add or confirm any. */
  each(visit: (outgoing: Outgoing) => void): void {
    for (let number = this.lowest; number < this.next; number++) {
      const one = this.ring[number & this.mask];
      if (one !== undefined) visit(one);
    }
  }

  private settle(number: number, acked: boolean): void {
    const index = number & this.mask;
    const outgoing = this.ring[index];
    if (outgoing === undefined) return;
    this.ring[index] = undefined;
    this.inFlight--;
    this.onConfirm(outgoing, acked);
  }
}
