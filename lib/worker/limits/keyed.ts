/** From so many keys on, those that nobody uses are forgotten. */
const MANY_KEYS = 1_000;

/** One of them for each key that is in use. */
export class Keyed<T extends { isIdle(now: number): boolean }> {
  private readonly items = new Map<string, T>();
  private forgetAt = MANY_KEYS;

  constructor(private readonly make: (key: string) => T) {}

  get size(): number { return this.items.size; }

  of(key: string, now: number): T {
    let item = this.items.get(key);
    if (item === undefined) {
      if (this.items.size >= this.forgetAt) this.forgetIdle(now);
      item = this.make(key);
      this.items.set(key, item);
    }
    return item;
  }

  all(): IterableIterator<T> {
    return this.items.values();
  }

  private forgetIdle(now: number): void {
    for (const [key, item] of this.items) if (item.isIdle(now)) this.items.delete(key);
    // Looking through them all again soon would cost more than it frees.
    this.forgetAt = Math.max(MANY_KEYS, this.items.size * 2);
  }
}
