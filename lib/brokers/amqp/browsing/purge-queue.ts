import type { ChannelModel, ConsumeMessage } from 'amqplib';
import type { BeforeRemoval } from '../../broker.js';
import { BrowseChannel, queueCounts } from './browse-channel.js';
import { shown } from './browse-queue.js';

/**
 * Removes what waits in a queue, asking of each message first: by taking batches as a consumer, since what the server
 * removes by itself nobody sees. What consumers hold is not taken. At most one batch is held, and whatever dies, all of
 * it that is not removed goes back.
 *
 * @returns how many were removed: at most as many as waited at the beginning
 */
export async function purgeQueue(model: ChannelModel, queue: string, beforeRemoval: BeforeRemoval): Promise<number> {
  const { messageCount } = await queueCounts(model, queue);
  const channel = await BrowseChannel.open(model, queue);
  let removed = 0;
  try {
    while (removed < messageCount) {
      const batch = await channel.nextBatch(messageCount - removed);
      const last = batch.at(-1);
      if (last === undefined) break;
      await removeBatch(channel, batch, last, beforeRemoval);
      removed += batch.length;
    }
    if (removed > 0) await channel.certain();
    return removed;
  } finally {
    await channel.close();
  }
}

/** @throws what kept one of them from being removed; the others are removed then */
async function removeBatch(channel: BrowseChannel, batch: readonly ConsumeMessage[], last: ConsumeMessage, beforeRemoval: BeforeRemoval): Promise<void> {
  const waits = batch.map((message) => beforeRemoval(shown(message)));
  if (waits.every((wait) => wait === undefined)) return channel.removeThrough(last);
  const outcomes = await Promise.allSettled(waits.map(async (wait) => wait));
  const failure = outcomes.find(({ status }) => status === 'rejected');
  if (failure === undefined) return channel.removeThrough(last);
  for (const [index, message] of batch.entries()) if (outcomes[index]?.status === 'fulfilled') await channel.remove(message);
  await channel.certain();
  throw (failure as PromiseRejectedResult).reason;
}
