/** Before anything has been timed. */
const ASSUMED_MS = 1_000;
const SHORTEST_MS = 100;
/** Whoever finds a lane full for the first time asks again after half a task's time, and at the latest after this. */
const LONGEST_FIRST_MS = 5_000;
/** Nobody stays away for longer: an estimate may be wrong. */
const LONGEST_MS = 60_000;
const WEIGHT = 1 / 8;

/**
 * So many at a time. Who must wait is told when its turn is likely to come, one after the other as fast as tasks
 * end: so those who wait come back no more often than they can be let in, however many they are. Pure: the time and
 * chance are arguments.
 */
export class Lane {
  running = 0;
  private mean = 0;
  private lastTurn = -Infinity;

  constructor(readonly size: number) {}

  get isFull(): boolean { return this.running >= this.size; }

  enter(): void {
    this.running++;
  }

  leave(durationMs: number): void {
    this.running--;
    this.mean = this.mean === 0 ? durationMs : this.mean + (durationMs - this.mean) * WEIGHT;
  }

  /** In how many milliseconds to ask again. */
  turn(now: number, random: number): number {
    const mean = this.mean === 0 ? ASSUMED_MS : this.mean;
    const first = Math.min(Math.max(mean / 2, SHORTEST_MS), LONGEST_FIRST_MS);
    this.lastTurn = Math.min(Math.max(now + first, this.lastTurn + mean / this.size), now + LONGEST_MS);
    const pause = this.lastTurn - now;
    // Beyond the horizon everybody has the same turn: chance spreads them.
    return Math.round(pause < LONGEST_MS ? pause : LONGEST_MS * (1 + random) / 2);
  }

  /** True when nobody would miss it. */
  isIdle(now: number): boolean {
    return this.running === 0 && this.lastTurn <= now;
  }
}
