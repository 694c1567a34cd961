/**
 * Runs an action for each item, so many at a time, and takes the next item only when there is room: however long the
 * list, nothing piles up. After a failure no further one begins; it rejects with the first once all have ended.
 */
export async function inParallel<T>(items: Iterable<T> | AsyncIterable<T>, limit: number, action: (item: T) => Promise<void>): Promise<void> {
  const running = new Set<Promise<void>>();
  const failures: unknown[] = [];
  const start = (item: T): void => {
    const one = action(item).catch((error: unknown) => { failures.push(error); }).finally(() => running.delete(one));
    running.add(one);
  };
  try {
    for await (const item of items) {
      if (failures.length > 0) break;
      start(item);
      if (running.size >= limit) await Promise.race(running);
    }
  } finally {
    await Promise.all(running);
  }
  if (failures.length > 0) throw failures[0];
}
