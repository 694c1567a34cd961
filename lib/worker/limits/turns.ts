/** Nobody stays away for longer: an estimate may be wrong. */
const LONGEST_MS = 60_000;

/**
 * When those who wait are to ask again: one after the other, so far apart as there are places for them, and not all
 * together. Pure: the time and chance are arguments.
 */
export class Turns {
  last = -Infinity;

  /** In how many milliseconds: `firstMs` at the earliest, then `apartMs` after whoever was told last. */
  next(now: number, firstMs: number, apartMs: number, random: number): number {
    const latest = now + firstMs + LONGEST_MS;
    this.last = Math.min(Math.max(now + firstMs, this.last + apartMs), latest);
    // Beyond the horizon everybody has the same turn: chance spreads them.
    return Math.round(this.last < latest ? this.last - now : firstMs + LONGEST_MS * (1 + random) / 2);
  }
}
