import { clock } from '../../time/clock.js';
import type { CheckedOutboxOptions } from '../outbox-options.js';
import type { RelayHost } from '../relay-host.js';
import { Sending } from '../sending.js';
import type { LockedLanesSql, OutboxSql } from '../sql/outbox-sql.js';
import { sendAll, settle, take, type Query } from './batch.js';
import type { Lanes } from './lanes.js';

/** Who has the row of a lane locked sends what is in it; when it dies, its connection to the database ends, and another has the lane. */
export class LockedLanes implements Lanes {
  constructor(
    private readonly options: CheckedOutboxOptions, private readonly sql: OutboxSql, private readonly lanes: LockedLanesSql,
    private readonly host: RelayHost, private readonly isStopped: () => boolean,
  ) {}

  async withWork(): Promise<unknown[]> {
    return (await this.options.database.query(this.lanes.withWork, [clock.now()])).map(({ lane }) => lane);
  }

  send(lane: unknown): Promise<number> {
    const { database, batch } = this.options;
    return database.transaction(async (transaction) => {
      const query: Query = (sql, parameters) => database.queryIn(transaction, sql, parameters);
      if ((await query(this.lanes.lock, [lane])).length === 0) return 0;
      const sending = new Sending(this.host, this.isStopped);
      await sendAll(sending, await take(query, this.sql, lane, batch));
      await settle(query, this.sql, sending);
      return sending.done.length;
    });
  }
}
