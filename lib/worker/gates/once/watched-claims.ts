/** More tasks than are ever watched at a time; the oldest is forgotten, and only has to be watched anew. */
const REMEMBERED = 10_000;

/** For how long this process has seen the same bytes under a key: by its own clock, which nobody sets. */
export class WatchedClaims {
  private readonly seen = new Map<string, { readonly bytes: Buffer; readonly since: number }>();

  /** Milliseconds since these bytes were first seen here; 0 where they are new. */
  watch(key: string, bytes: Buffer, now: number): number {
    const known = this.seen.get(key);
    if (known?.bytes.equals(bytes)) return now - known.since;
    this.seen.delete(key);
    this.seen.set(key, { bytes, since: now });
    if (this.seen.size > REMEMBERED) this.seen.delete(this.seen.keys().next().value as string);
    return 0;
  }

  forget(key: string): void {
    this.seen.delete(key);
  }
}
