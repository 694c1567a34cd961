/** 16 bits on RabbitMQ's wire; and whatever is held takes memory. */
const MOST_ROOM = 60_000;

/**
 * How many deliveries a worker may hold for batches, beside what its slots run one by one. None before the first task of
 * a batch has come: others of the queue would be hoarded. Then one batch more than it holds, in steps that double, since
 * each change is told the broker; never more than its slots and one batch beside them could take.
 */
export class BatchRoom {
  private size = 0;
  private largest = 0;

  get current(): number { return this.size; }

  /**
   * So many are held now, and another batch of this size begins to fill.
   *
   * @returns true where {@link current} has changed
   */
  need(held: number, batchSize: number, limit: number): boolean {
    this.largest = Math.max(this.largest, batchSize);
    const wanted = held + this.largest;
    if (wanted <= this.size) return false;
    return this.change(Math.min(Math.max(wanted, this.size * 2), this.largest * (limit + 1), MOST_ROOM));
  }

  /** What waits is for others: no more than is held. */
  shrink(held: number): boolean {
    return this.change(Math.min(held, this.size));
  }

  private change(size: number): boolean {
    if (size === this.size) return false;
    this.size = size;
    return true;
  }
}
