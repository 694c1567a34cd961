const BUCKET_MS = 1000;

/** Which entries to look at when: those that expire within the same second lie together. */
export class ExpiryBuckets<T> {
  private readonly buckets = new Map<number, Set<T>>();

  add(item: T, expiresAt: number): void {
    const bucket = bucketOf(expiresAt);
    const items = this.buckets.get(bucket);
    if (items === undefined) this.buckets.set(bucket, new Set([item]));
    else items.add(item);
  }

  remove(item: T, expiresAt: number): void {
    const bucket = bucketOf(expiresAt);
    const items = this.buckets.get(bucket);
    if (items?.delete(item) === true && items.size === 0) this.buckets.delete(bucket);
  }

  /** Takes out all that expired a second ago or earlier. */
  takeExpired(now: number): T[] {
    const expired: T[] = [];
    for (const [bucket, items] of this.buckets) {
      if ((bucket + 1) * BUCKET_MS > now) continue;
      for (const item of items) expired.push(item);
      this.buckets.delete(bucket);
    }
    return expired;
  }
}

function bucketOf(time: number): number {
  return Math.floor(time / BUCKET_MS);
}
