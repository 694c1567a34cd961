import type { BeforeRemoval } from '../broker.js';
import type { QueueStore, TakenMessage } from './queue-store.js';

/** What is taken at a time, in messages and in bytes: on disk each taking is a transaction. */
const FIRST_BATCH = 64;
const LARGEST_BATCH = 4_000;
const BATCH_BYTES = 8 * 1024 * 1024;

/**
 * Removes what waits in a queue of a store, asking of each message first. What consumers hold is not taken. What is not
 * removed, whatever the reason, is put back as if it had never been taken.
 *
 * @returns how many were removed
 */
export async function purgeStore(store: QueueStore, queue: string, beforeRemoval: BeforeRemoval): Promise<number> {
  let removed = 0;
  let size = FIRST_BATCH;
  for (let left = (await store.depth(queue)) ?? 0; left > 0;) {
    const batch = await new Promise<readonly TakenMessage[]>((resolve) => store.take(queue, Math.min(size, left), resolve));
    if (batch.length === 0) break;
    left -= batch.length;
    size = nextSize(size, batch);
    const outcomes = await Promise.allSettled(batch.map(async ({ body, properties, exchange, routingKey }) => beforeRemoval({ body, properties, exchange, routingKey })));
    for (const [index, message] of batch.entries()) {
      const goes = outcomes[index]?.status === 'fulfilled';
      if (store.settle(message, goes ? 'ack' : 'untake') && goes) removed++;
    }
    await store.written();
    const failure = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
  }
  return removed;
}

/** Larger ones, as long as what comes is as small as what came. */
function nextSize(size: number, batch: readonly TakenMessage[]): number {
  const bytes = batch.reduce((sum, { body }) => sum + body.length, 0);
  return Math.max(1, Math.min(2 * size, LARGEST_BATCH, Math.floor(BATCH_BYTES * batch.length / Math.max(bytes, 1))));
}
