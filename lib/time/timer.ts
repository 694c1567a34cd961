import { clock, type ClockTimer } from './clock.js';

/** A timer of Node that is longer fires at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** Calls back once after any number of milliseconds, by a clock that nobody sets; after `Infinity` never. */
export class Timer {
  private handle: ClockTimer | undefined;

  constructor(private restMs: number, private readonly callback: () => void) {
    this.arm();
  }

  /** Idempotent. */
  cancel(): void {
    clock.clear(this.handle);
  }

  private arm(): void {
    const part = Math.min(Math.max(this.restMs, 0), LONGEST_MS);
    this.restMs -= part;
    this.handle = clock.setTimeout(() => (this.restMs > 0 ? this.arm() : this.callback()), part);
  }
}
