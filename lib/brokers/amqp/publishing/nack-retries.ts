import type { Outgoing } from './outgoing.js';

/** A full queue may have room in a moment; after these pauses it is the caller's turn to decide. */
const PAUSES_MS = [100, 400, 1600] as const;

/** Publishes that the broker refused, until they are sent again. */
export class NackRetries {
  private items: { outgoing: Outgoing; due: number }[] = [];

  /** False when its tries are spent. */
  add(outgoing: Outgoing, now: number): boolean {
    const pauseMs = PAUSES_MS[outgoing.nacks - 1];
    if (pauseMs === undefined) return false;
    this.items.push({ outgoing, due: now + pauseMs });
    return true;
  }

  takeDue(now: number): Outgoing[] {
    if (this.items.length === 0) return [];
    const due = this.items.filter((item) => item.due <= now);
    if (due.length > 0) this.items = this.items.filter((item) => item.due > now);
    return due.map((item) => item.outgoing);
  }

  takeAll(): Outgoing[] {
    return this.takeDue(Infinity);
  }
}
