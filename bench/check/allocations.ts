import { PerformanceObserver } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';

export interface Allocations {
  /** Bytes allocated on the heap, garbage included. */
  readonly allocated: number;
  /** Bytes still held after a collection. */
  readonly retained: number;
}

/**
 * What `work` allocates and what stays of it. The new space must be large enough to hold all of it, or
 * garbage would vanish uncounted.
 *
 * @throws Error when a collection took place meanwhile, or the process runs without --expose-gc
 */
export async function allocationsOf(work: () => Promise<unknown>): Promise<Allocations> {
  const collect = globalThis.gc as (() => void) | undefined;
  if (collect === undefined) throw new Error('Run this by "npm run bench:check": it needs Node\'s flag --expose-gc.');
  await settle(collect);
  let collections = 0;
  const observer = new PerformanceObserver((list) => (collections += list.getEntries().length));
  observer.observe({ entryTypes: ['gc'] });
  const before = process.memoryUsage().heapUsed;
  await work();
  const allocated = process.memoryUsage().heapUsed - before;
  await nextTurn();
  observer.disconnect();
  if (collections > 0) throw new Error(`${collections} garbage collections took place while allocations were counted; the new space must be larger.`);
  await settle(collect);
  return { allocated, retained: process.memoryUsage().heapUsed - before };
}

/** Twice, with a turn between them, so that what only finalizers let go of is gone too. */
async function settle(collect: () => void): Promise<void> {
  for (let i = 0; i < 2; i++) {
    collect();
    await nextTurn();
  }
}
