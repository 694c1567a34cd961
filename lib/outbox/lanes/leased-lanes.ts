import { randomUUID } from 'node:crypto';
import { clock } from '../../time/clock.js';
import type { CheckedOutboxOptions } from '../outbox-options.js';
import type { OutboxEntry } from '../outbox-entry.js';
import type { RelayHost } from '../relay-host.js';
import { Sending } from '../sending.js';
import type { LeasedLanesSql, OutboxSql } from '../sql/outbox-sql.js';
import { sendAll, settle, take, type Query } from './batch.js';
import type { Lanes } from './lanes.js';

/** For so long a lane is its owner's: after that time whoever died has lost it. */
export const LEASE_MS = 10_000;
/** For so long it begins to send: what is on its way then has the rest of the time to be confirmed. */
const SENDING_MS = LEASE_MS / 2;

/**
 * No transaction is open while something is sent. Who is slower than its lease, as a process that was stopped is, may send
 * what the next owner sends too, each in order and one after the other: something twice, but nothing before what it has to follow.
 */
export class LeasedLanes implements Lanes {
  private readonly owner = randomUUID();

  constructor(
    private readonly options: CheckedOutboxOptions, private readonly sql: OutboxSql, private readonly lanes: LeasedLanesSql,
    private readonly host: RelayHost, private readonly isStopped: () => boolean,
  ) {}

  async withWork(): Promise<unknown[]> {
    const now = clock.now();
    return (await this.options.database.query(this.lanes.withWork, [now, now + LEASE_MS, now])).map(({ lane }) => lane);
  }

  async send(lane: unknown): Promise<number> {
    const claimed = await this.claim(lane);
    if (claimed === undefined) return 0;
    const sending = new Sending(this.host, () => this.isStopped() || clock.elapsed() - claimed.begun >= SENDING_MS);
    await sendAll(sending, claimed.entries);
    await this.end(lane, sending);
    return sending.done.length;
  }

  /** Its time begins once nobody else writes: the wait for that may be longer than a lease. */
  private claim(lane: unknown): Promise<{ begun: number; entries: OutboxEntry[] } | undefined> {
    const { database, batch } = this.options;
    return database.transaction(async (transaction) => {
      const query: Query = (sql, parameters) => database.queryIn(transaction, sql, parameters);
      const [begun, now] = [clock.elapsed(), clock.now()];
      const mine = await query(this.lanes.claim, [this.owner, now + LEASE_MS, lane, now, now + LEASE_MS]);
      return mine.length === 0 ? undefined : { begun, entries: await take(query, this.sql, lane, batch) };
    });
  }

  /** What the broker has is removed whoever has the lane by now: an id is never given twice. */
  private async end(lane: unknown, sending: Sending): Promise<void> {
    const { database } = this.options;
    const release = [this.lanes.release, [lane, this.owner]] as const;
    if (sending.done.length + sending.failed.length === 0) {
      await database.query(...release);
      return;
    }
    await database.transaction(async (transaction) => {
      const query: Query = (sql, parameters) => database.queryIn(transaction, sql, parameters);
      await settle(query, this.sql, sending);
      await query(...release);
    });
  }
}
