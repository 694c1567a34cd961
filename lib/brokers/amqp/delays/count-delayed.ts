import type { Channel } from 'amqplib';
import { declarationFailure } from '../topology/declaration-failure.js';
import { DELAY_LEVELS, dueName, levelMs, levelName, NEAR_LONGEST_MS, nearName } from './delay-ladder.js';

type Ask = <T>(questions: (channel: Channel) => Promise<T>) => Promise<T>;

/** Messages in one queue in which they wait. */
export interface DelayedPart {
  /** For how long one of them waits at most: all that this queue and those after it can hold it. */
  readonly withinMs: number;
  readonly count: number;
}

/**
 * What waits out a delay on this exchange, by its queues, in the order in which messages move. Between two of them, and in
 * the hands of whoever forwards what is due, a message is in no count.
 */
export async function countDelayed(ask: Ask, exchange: string): Promise<DelayedPart[]> {
  const levels = Array.from({ length: DELAY_LEVELS }, (_, index) => DELAY_LEVELS - 1 - index);
  // The highest level is made last: it shows that all are there.
  const ladder = await countIn(ask, exchange, levels.map((level) => ({ name: levelName(exchange, level), withinMs: 2 * levelMs(level) + NEAR_LONGEST_MS })));
  const end = await countIn(ask, exchange, [{ name: dueName(exchange), withinMs: NEAR_LONGEST_MS }]);
  const near = await countIn(ask, exchange, [{ name: nearName(exchange), withinMs: NEAR_LONGEST_MS }]);
  return [...ladder, ...end, ...near];
}

/** None where the first of them is not there: nothing was ever delayed that way. */
async function countIn(ask: Ask, exchange: string, queues: readonly { name: string; withinMs: number }[]): Promise<DelayedPart[]> {
  try {
    return await ask(async (channel) => {
      const parts: DelayedPart[] = [];
      for (const { name, withinMs } of queues) parts.push({ withinMs, count: (await channel.checkQueue(name)).messageCount });
      return parts;
    });
  } catch (error) {
    if ((error as { code?: unknown }).code === 404) return [];
    throw declarationFailure(error, `the queues of delayed tasks of exchange "${exchange}"`);
  }
}
