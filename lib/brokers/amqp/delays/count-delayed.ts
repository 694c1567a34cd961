import type { Channel } from 'amqplib';
import { declarationFailure } from '../topology/declaration-failure.js';
import { bucketName, DELAY_LEVELS, dueName, levelMs, levelName, LOW_LEVELS, NEAR_LONGEST_MS, nearName } from './delay-ladder.js';
import { type Bucket, bucketKey, endsAt, slotIn, soonMs, type WheelShape } from './wheel/wheel-shape.js';

type Ask = <T>(questions: (channel: Channel) => Promise<T>) => Promise<T>;

/** Messages in one queue in which they wait. */
export interface DelayedPart {
  /** For how long one of them waits at most: all that this queue and those after it can hold it. */
  readonly withinMs: number;
  readonly count: number;
}

interface Waiting {
  readonly name: string;
  readonly withinMs: number;
}

/**
 * What waits out a delay on this exchange, by its queues, in the order in which messages move. Between two of them, and in
 * the hands of whoever forwards what is due, a message is in no count.
 *
 * @param now by the server's clock
 */
export async function countDelayed(ask: Ask, exchange: string, shape: WheelShape, buckets: readonly Bucket[], now: number): Promise<DelayedPart[]> {
  const widest = [...buckets].sort((one, other) => other.level - one.level).map((bucket): Waiting => ({
    name: bucketName(exchange, bucketKey(bucket)), withinMs: endsAt(shape, slotIn(shape, bucket, now)) - now,
  }));
  const parts: DelayedPart[] = [];
  // Any of them may have been deleted.
  for (const bucket of widest) parts.push(...await countIn(ask, exchange, [bucket]));
  // The highest level is made last: it shows that all below it are there.
  parts.push(...await countIn(ask, exchange, levels(exchange, LOW_LEVELS, DELAY_LEVELS)), ...await countIn(ask, exchange, levels(exchange, 0, LOW_LEVELS)));
  const soon = soonMs(shape);
  for (const name of [dueName(exchange), nearName(exchange)]) parts.push(...await countIn(ask, exchange, [{ name, withinMs: soon }]));
  return parts;
}

/** From the highest on. */
function levels(exchange: string, from: number, to: number): Waiting[] {
  return Array.from({ length: to - from }, (_, index) => to - 1 - index).map((level) => ({ name: levelName(exchange, level), withinMs: 2 * levelMs(level) + NEAR_LONGEST_MS }));
}

/** None where the first of them is not there: nothing was ever delayed that way. */
async function countIn(ask: Ask, exchange: string, queues: readonly Waiting[]): Promise<DelayedPart[]> {
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
