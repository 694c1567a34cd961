import type { ChannelModel } from 'amqplib';
import { withChannel } from '../../../amqp/open-channel.js';
import { declarationFailure } from '../topology/declaration-failure.js';
import { DELAY_LEVELS, dueName, levelName } from './delay-ladder.js';

/**
 * What waits on the ladder of this exchange; `undefined` where there is none. From the top down, as messages move. Between
 * two levels, and in the hands of whoever forwards what is due, a message is in no count for a moment.
 */
export async function countDelayed(model: ChannelModel, exchange: string): Promise<number | undefined> {
  const names = Array.from({ length: DELAY_LEVELS }, (_, index) => levelName(exchange, DELAY_LEVELS - 1 - index));
  try {
    return await withChannel(model, async (channel) => {
      let count = 0;
      // The end of the ladder is made before its levels, and the highest level last: it shows that all are there.
      for (const name of [...names, dueName(exchange)]) count += (await channel.checkQueue(name)).messageCount;
      return count;
    });
  } catch (error) {
    // Nothing was ever delayed.
    if ((error as { code?: unknown }).code === 404) return undefined;
    throw declarationFailure(error, `the delay ladder of exchange "${exchange}"`);
  }
}
