import { coarseUnits, DELAY_UNIT_MS, delayRoutingKey, delayUnits, entryLevel, FORWARDED, levelName, LONGEST_DELAY_MS, NEAR_LONGEST_MS } from './delay-ladder.js';

/** How a message enters the ladder, and how long of its delay it is there. */
export interface LadderEntry {
  /** The exchange of the level at which it enters. */
  readonly level: string;
  readonly routingKey: string;
  readonly ladderMs: number;
}

/** @param isCoarse the near queue takes the last of it */
export function ladderEntry(exchange: string, delayMs: number, isCoarse: boolean): LadderEntry {
  const restMs = Math.min(LONGEST_DELAY_MS, Math.max(1, delayMs));
  const units = isCoarse && restMs > NEAR_LONGEST_MS ? coarseUnits(restMs) : delayUnits(restMs);
  // What was rounded up is not waited by anybody again.
  const ladderMs = isCoarse && restMs > NEAR_LONGEST_MS ? units * DELAY_UNIT_MS : restMs;
  return { level: levelName(exchange, entryLevel(units)), routingKey: delayRoutingKey(units, FORWARDED), ladderMs };
}
