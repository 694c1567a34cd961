import { Turns } from './turns.js';

/** Before anything has been timed. */
const ASSUMED_MS = 1_000;
const SHORTEST_MS = 100;
/** Whoever finds a lane full for the first time asks again after half a task's time, and at the latest after this. */
const LONGEST_FIRST_MS = 5_000;
const WEIGHT = 1 / 8;

/**
 * So many at a time. Who must wait is told when its turn is likely to come, one after the other as fast as tasks
 * end: so those who wait come back no more often than they can be let in, however many they are. Pure: the time and
 * chance are arguments.
 */
export class Lane {
  running = 0;
  private mean = 0;
  private readonly turns = new Turns();

  constructor(readonly size: number) {}

  get isFull(): boolean { return this.running >= this.size; }

  enter(): void {
    this.running++;
  }

  /** `undefined`: it was let in, but did not run, which says nothing of how long tasks take. */
  leave(durationMs: number | undefined): void {
    this.running--;
    if (durationMs === undefined) return;
    this.mean = this.mean === 0 ? durationMs : this.mean + (durationMs - this.mean) * WEIGHT;
  }

  /** In how many milliseconds to ask again. */
  turn(now: number, random: number): number {
    const mean = this.mean === 0 ? ASSUMED_MS : this.mean;
    const first = Math.min(Math.max(mean / 2, SHORTEST_MS), LONGEST_FIRST_MS);
    return this.turns.next(now, first, mean / this.size, random);
  }

  /** True when nobody would miss it. */
  isIdle(now: number): boolean {
    return this.running === 0 && this.turns.last <= now;
  }
}
