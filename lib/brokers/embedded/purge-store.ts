import type { BeforeRemoval } from '../broker.js';
import type { MessageStore, TakenMessage } from './message-store.js';

const BATCH = 500;

/**
 * Removes what waits in a queue of a store, asking of each message first. What consumers hold is not taken. What is not
 * removed, whatever the reason, is put back as if it had never been taken.
 *
 * @returns how many were removed
 */
export async function purgeStore(store: MessageStore, queue: string, beforeRemoval: BeforeRemoval): Promise<number> {
  let removed = 0;
  for (let left = (await store.depth(queue)) ?? 0; left > 0;) {
    const batch = await new Promise<readonly TakenMessage[]>((resolve) => store.take(queue, Math.min(BATCH, left), resolve));
    if (batch.length === 0) break;
    left -= batch.length;
    const outcomes = await Promise.allSettled(batch.map(async ({ body, properties, exchange, routingKey }) => beforeRemoval({ body, properties, exchange, routingKey })));
    for (const [index, { status }] of outcomes.entries()) {
      if (store.settle(batch[index], status === 'fulfilled' ? 'ack' : 'untake') && status === 'fulfilled') removed++;
    }
    await store.written();
    const failure = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
  }
  return removed;
}
