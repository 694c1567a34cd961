/** Where a record stands in the queue, and what must have happened before it may go. It outlives what the record says. */
export class LogPlace {
  /** The delivery's tag; `undefined` while the record is on its way to the queue and back. */
  tag: number | undefined;
  /** In the order of deliveries; those that have gone are counted. */
  position = -1;
  /** The number of the record that must be confirmed first; `undefined` while this one is part of the present state. */
  needs: number | undefined;
  /** What has taken the place of what it says. */
  successor: LogPlace | undefined;
  /** So many that it is the successor of have not gone yet. */
  predecessors = 0;
  /** The last of those had gone before the record of this number was written. */
  proofOfPredecessors = 0;
  hasGone = false;

  /** @param confirmed all records up to this number are */
  mayGo(confirmed: number): boolean {
    if (this.needs === undefined || this.needs > confirmed || this.predecessors > 0) return false;
    return this.successor !== undefined || this.proofOfPredecessors <= confirmed;
  }
}
