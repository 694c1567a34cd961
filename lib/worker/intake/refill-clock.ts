const FIRST_GUESS_MS = 25;
const SHORTEST_MS = 15;
const LONGEST_MS = 150;
/** The weight of the newest in the mean. */
const WEIGHT = 1 / 4;

/**
 * How long the next deliveries of a queue take to come, once there is room for them: the way to the broker and back,
 * acknowledgements that are told together, a machine that is busy. Four times the mean is long enough to wait for them.
 */
export class RefillClock {
  private mean = FIRST_GUESS_MS;

  get patienceMs(): number {
    return Math.min(LONGEST_MS, Math.max(SHORTEST_MS, 4 * this.mean));
  }

  /** Something came so long after it was wanted. What took far longer than we wait was not on its way then. */
  observe(waitedMs: number): void {
    if (waitedMs <= 3 * this.patienceMs) this.mean += (waitedMs - this.mean) * WEIGHT;
  }
}
