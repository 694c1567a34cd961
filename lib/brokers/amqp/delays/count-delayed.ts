import type { ChannelModel } from 'amqplib';
import { withChannel } from '../../../amqp/open-channel.js';
import { declarationFailure } from '../topology/declaration-failure.js';
import { DELAY_LEVELS, dueName, levelMs, levelName } from './delay-ladder.js';

/** Messages in one queue of the ladder. */
export interface DelayedPart {
  /** For how long one of them waits at most: all that this level and those below it can hold it. */
  readonly withinMs: number;
  readonly count: number;
}

/**
 * What waits on the ladder of this exchange, by its queues; `undefined` where there is none. From the top down, as messages move. Between
 * two levels, and in the hands of whoever forwards what is due, a message is in no count for a moment.
 */
export async function countDelayed(model: ChannelModel, exchange: string): Promise<DelayedPart[] | undefined> {
  const levels = Array.from({ length: DELAY_LEVELS }, (_, index) => DELAY_LEVELS - 1 - index);
  const queues = levels.map((level) => ({ name: levelName(exchange, level), withinMs: 2 * levelMs(level) }));
  try {
    return await withChannel(model, async (channel) => {
      const parts: DelayedPart[] = [];
      // The end of the ladder is made before its levels, and the highest level last: it shows that all are there.
      for (const { name, withinMs } of [...queues, { name: dueName(exchange), withinMs: 0 }]) parts.push({ withinMs, count: (await channel.checkQueue(name)).messageCount });
      return parts;
    });
  } catch (error) {
    // Nothing was ever delayed.
    if ((error as { code?: unknown }).code === 404) return undefined;
    throw declarationFailure(error, `the delay ladder of exchange "${exchange}"`);
  }
}
