import { clock, type ClockTimer } from '../time/clock.js';

/** More are not held: the oldest are removed before their time. */
const MOST_HELD = 1_000;
const AT_A_TIME = 8;

export interface HeldReleasesDependencies {
  /** How long a body outlives its task. */
  readonly holdMs: number;
  /** Never rejects. */
  readonly remove: (key: string) => Promise<void>;
  /** Whether the broker is there: an acknowledgement that it may not have heard removes nothing. */
  readonly isHeard: () => boolean;
}

/**
 * Bodies of tasks that are done. An acknowledgement is on its way for a moment, and where the connection is lost meanwhile
 * the task comes again: its body must still be there then. What is held when the process dies is left over.
 */
export class HeldReleases {
  /** When each is removed, by the clock that nobody sets; in the order in which they came. */
  private readonly held = new Map<string, number>();
  private timer: ClockTimer | undefined;

  constructor(private readonly dependencies: HeldReleasesDependencies) {}

  add(key: string): void {
    this.held.delete(key);
    this.held.set(key, clock.elapsed() + this.dependencies.holdMs);
    if (this.held.size > MOST_HELD) void this.remove(this.held.keys().next().value as string);
    this.arm();
  }

  /** It came again. */
  takeBack(key: string): void {
    this.held.delete(key);
  }

  /** Once all acknowledgements are told, or cannot be. Resolves within the limit; what is not removed by then is left over. */
  async close(limitMs: number): Promise<void> {
    clock.clear(this.timer);
    if (!this.dependencies.isHeard()) return;
    const until = clock.elapsed() + limitMs;
    await Promise.all(Array.from({ length: AT_A_TIME }, async () => {
      while (clock.elapsed() < until) {
        const next = this.held.keys().next();
        if (next.done === true) return;
        await this.remove(next.value);
      }
    }));
  }

  private arm(): void {
    if (this.timer !== undefined || this.held.size === 0) return;
    this.timer = clock.setTimeout(() => {
      this.timer = undefined;
      if (this.dependencies.isHeard()) this.removeDue();
      this.arm();
    }, this.dependencies.holdMs).unref();
  }

  private removeDue(): void {
    const now = clock.elapsed();
    for (const [key, dueAt] of this.held) {
      if (dueAt > now) return;
      void this.remove(key);
    }
  }

  private remove(key: string): Promise<void> {
    this.held.delete(key);
    return this.dependencies.remove(key);
  }
}
