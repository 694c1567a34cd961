import { detached } from '../../task/error-text.js';

const MOST_CLAIMS = 1_000;

/** A unique key that was taken by publishing here. */
export interface KeptClaim {
  readonly name: string;
  readonly uuid: string;
  readonly at: number;
}

/**
 * The unique keys that this process took last. Stores keep keys by their hashes and can list none; who took one still
 * knows its text. Whether it is held yet, only the store can say.
 */
export class ClaimBook {
  private readonly claims = new Map<string, KeptClaim>();

  add(key: string, name: string, uuid: string, now: number): void {
    this.claims.delete(key);
    this.claims.set(key, { name: detached(name), uuid: detached(uuid), at: now });
    if (this.claims.size <= MOST_CLAIMS) return;
    const [oldest] = this.claims.keys();
    if (oldest !== undefined) this.claims.delete(oldest);
  }

  newestFirst(): [key: string, claim: KeptClaim][] {
    return [...this.claims].reverse();
  }
}
