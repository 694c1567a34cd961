import { clock } from '../../time/clock.js';
import { chainsOf, pauseAfter } from '../order-keys.js';
import type { OutboxRow } from '../outbox-database.js';
import { decodeEntry, type OutboxEntry } from '../outbox-entry.js';
import { textOf, type Sending } from '../sending.js';
import type { OutboxSql } from '../sql/outbox-sql.js';

export type Query = (sql: string, parameters: readonly unknown[]) => Promise<readonly OutboxRow[]>;

/** The oldest in a lane that may be sent now. */
export async function take(query: Query, sql: OutboxSql, lane: unknown, limit: number): Promise<OutboxEntry[]> {
  const now = clock.now();
  return (await query(sql.take, [lane, now, now, limit])).map(decodeEntry);
}

/** Side by side what may be, in order what has to be. Never rejects. */
export async function sendAll(sending: Sending, entries: readonly OutboxEntry[]): Promise<void> {
  await Promise.all(chainsOf(entries).map((chain) => sending.send(chain)));
}

/** Writes down what became of them: what dies before this is sent again. */
export async function settle(query: Query, sql: OutboxSql, { done, failed }: Sending): Promise<void> {
  if (done.length > 0) await query(sql.remove(done.length), done.map(({ id }) => id));
  for (const { entry, error } of failed) await query(sql.failed, [clock.now() + pauseAfter(entry.tries), textOf(error), entry.id]);
}
