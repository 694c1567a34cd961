/** A process of which Redis has not heard for a moment. */
export interface SilentOwner {
  readonly owner: string;
  /** When Redis heard it last, as Redis writes it. */
  readonly heard: string;
  readonly isConnected: boolean;
}

export interface SilenceLimits {
  /** Who is silent for so long under our eyes, and has no connection, is dead. In milliseconds. */
  readonly goneMs: number;
  /** And who has one. */
  readonly silentMs: number;
  /** Who has not looked for so long has not watched. */
  readonly lookMs: number;
}

/**
 * Who is dead. Only what this process has watched itself, by a clock that nobody sets, counts: all seem to have been silent
 * for long when the clock of Redis is set forward, and when Redis took no writes for a time and then does again.
 */
export class SilentOwners {
  private watched = new Map<string, { readonly heard: string; readonly since: number }>();
  private lookedAt = -Infinity;

  constructor(private readonly limits: SilenceLimits) {}

  /** @param now by a clock that nobody sets. @returns those of them that are dead */
  look<Found extends SilentOwner>(found: readonly Found[], now: number): Found[] {
    if (now - this.lookedAt > this.limits.lookMs) this.watched.clear();
    this.lookedAt = now;
    this.watched = new Map(found.map(({ owner, heard }) => {
      const known = this.watched.get(owner);
      return [owner, known?.heard === heard ? known : { heard, since: now }];
    }));
    const { goneMs, silentMs } = this.limits;
    return found.filter(({ owner, isConnected }) => now - (this.watched.get(owner)?.since ?? now) >= (isConnected ? silentMs : goneMs));
  }

  /** Redis was away, or took nothing: nobody could be heard. */
  forget(): void {
    this.watched.clear();
  }
}
