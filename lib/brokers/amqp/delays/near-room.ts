/**
 * How many deliveries a process has in hand of those that are due soon. As few as suffice: should it stand still, what it
 * holds stands still with it.
 */
export const FIRST_PREFETCH = 100;
const LARGEST_PREFETCH = 16_384;
/** With so many bytes in hand it takes no larger number at a time. */
const ENOUGH_BYTES = 32 * 1024 * 1024;
const NARROWED_AFTER_MS = 1_000;

export interface InHand {
  /** As the broker counts: once this is the prefetch, it sends no more. */
  readonly outstanding: number;
  readonly bytes: number;
  /** Something is due and not published yet: more in hand would not help. */
  readonly isBehind: boolean;
}

export class NearRoom {
  private size = FIRST_PREFETCH;
  private narrowedAt = -Infinity;
  private most = 0;

  get prefetch(): number {
    return this.size;
  }

  /** Twice as many, where all that may be in hand is, and none of it is due: what stands behind it may be due earlier. True where it changed. */
  widen({ outstanding, bytes, isBehind }: InHand): boolean {
    this.most = Math.max(this.most, outstanding);
    if (outstanding < this.size || isBehind || bytes >= ENOUGH_BYTES || this.size >= LARGEST_PREFETCH) return false;
    this.size = Math.min(LARGEST_PREFETCH, this.size * 2);
    return true;
  }

  /** What it had in hand was late, because the process stood still or has too much to do. True where it changed. */
  fellBehind(elapsedMs: number): boolean {
    if (elapsedMs - this.narrowedAt < NARROWED_AFTER_MS) return false;
    this.narrowedAt = elapsedMs;
    return this.narrow();
  }

  /** Called now and then. True where so many were not needed since the last time, and it changed. */
  lookBack(outstanding: number): boolean {
    const { most } = this;
    this.most = outstanding;
    return Math.max(most, outstanding) * 4 <= this.size && this.narrow();
  }

  private narrow(): boolean {
    if (this.size <= FIRST_PREFETCH) return false;
    this.size = Math.max(FIRST_PREFETCH, Math.floor(this.size / 2));
    return true;
  }
}
