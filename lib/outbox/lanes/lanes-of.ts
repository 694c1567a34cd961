import type { CheckedOutboxOptions } from '../outbox-options.js';
import type { RelayHost } from '../relay-host.js';
import type { OutboxSql } from '../sql/outbox-sql.js';
import type { Lanes } from './lanes.js';
import { LeasedLanes } from './leased-lanes.js';
import { LockedLanes } from './locked-lanes.js';

/** As the kind of database has it. */
export function lanesOf(options: CheckedOutboxOptions, sql: OutboxSql, host: RelayHost, isStopped: () => boolean): Lanes {
  const { lanes } = sql;
  return lanes.kind === 'locked' ? new LockedLanes(options, sql, lanes, host, isStopped) : new LeasedLanes(options, sql, lanes, host, isStopped);
}
