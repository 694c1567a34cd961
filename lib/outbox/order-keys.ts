import { createHash } from 'node:crypto';
import type { OutboxEntry } from './outbox-entry.js';

/** The lane of a key: the same in every process. */
export function laneOf(key: string, lanes: number): number {
  return createHash('sha256').update(key).digest().readUInt32BE(0) % lanes;
}

/** What may be sent side by side: chains of those that may not. Entries without a key are chains of one. */
export function chainsOf(entries: readonly OutboxEntry[]): OutboxEntry[][] {
  const chains: OutboxEntry[][] = [];
  const byKey = new Map<string, OutboxEntry[]>();
  for (const entry of entries) {
    const known = entry.orderKey === undefined ? undefined : byKey.get(entry.orderKey);
    if (known !== undefined) {
      known.push(entry);
      continue;
    }
    const chain = [entry];
    chains.push(chain);
    if (entry.orderKey !== undefined) byKey.set(entry.orderKey, chain);
  }
  return chains;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** Before a task is tried again that the broker has refused so often. */
export function pauseAfter(tries: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** Math.min(tries, 10), LONGEST_PAUSE_MS);
}
