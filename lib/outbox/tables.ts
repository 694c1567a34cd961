import { ConfigurationError } from '../index.js';

/** Tasks of one key are in one lane, and one process at a time sends what is in a lane. */
export const LANES = 16;
/** The longest name of a table in PostgreSQL is 63 bytes; these names have endings. */
const NAME = /^[a-z_][a-z0-9_]{0,47}$/;

/** The statements of the outbox and the inbox, for one prefix of its tables. */
export interface OutboxSql {
  readonly channel: string;
  readonly add: string;
  readonly lanesWithWork: string;
  readonly lockLane: string;
  readonly take: string;
  remove(count: number): string;
  readonly failed: string;
  readonly lag: string;
  readonly failing: string;
  readonly enter: string;
  readonly forget: string;
}

/**
 * What has to be there before the outbox is used, statement by statement; what exists is left as it is. For the migrations of
 * the application, or once by `DispatcherOutbox.createTables()`.
 *
 * @param prefix of the names of the tables. Default: `dispatcher`
 * @throws ConfigurationError for a prefix that is no name in lower case
 * @publicApi
 */
export function outboxTables(prefix = 'dispatcher'): string[] {
  const { outbox, lanes, inbox } = namesOf(prefix);
  return [
    `CREATE TABLE IF NOT EXISTS ${outbox} (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, lane SMALLINT NOT NULL, order_key TEXT, uuid TEXT NOT NULL, name TEXT NOT NULL, `
    + 'task TEXT NOT NULL, body BYTEA NOT NULL, added_at BIGINT NOT NULL, tries INTEGER NOT NULL DEFAULT 0, next_try_at BIGINT NOT NULL DEFAULT 0, error TEXT)',
    `CREATE INDEX IF NOT EXISTS ${outbox}_in_order ON ${outbox} (lane, id)`,
    `CREATE INDEX IF NOT EXISTS ${outbox}_waiting ON ${outbox} (lane, order_key, id) WHERE next_try_at > 0`,
    `CREATE TABLE IF NOT EXISTS ${lanes} (lane SMALLINT PRIMARY KEY)`,
    `INSERT INTO ${lanes} (lane) SELECT generate_series(0, ${LANES - 1}) ON CONFLICT DO NOTHING`,
    `CREATE TABLE IF NOT EXISTS ${inbox} (uuid TEXT PRIMARY KEY, added_at BIGINT NOT NULL)`,
    `CREATE INDEX IF NOT EXISTS ${inbox}_by_age ON ${inbox} (added_at)`,
  ];
}

/** @throws ConfigurationError */
export function sqlOf(prefix: string): OutboxSql {
  const { outbox, lanes, inbox } = namesOf(prefix);
  return {
    channel: outbox,
    // Whoever listens is told when the transaction is committed, and once whatever it has added.
    add: `WITH added AS (INSERT INTO ${outbox} (lane, order_key, uuid, name, task, body, added_at) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id) SELECT pg_notify('${outbox}', '') FROM added`,
    lanesWithWork: `SELECT lane FROM ${lanes} l WHERE EXISTS (SELECT 1 FROM ${outbox} o WHERE o.lane = l.lane AND o.next_try_at <= $1)`,
    lockLane: `SELECT lane FROM ${lanes} WHERE lane = $1 FOR UPDATE SKIP LOCKED`,
    // What waits for its next try holds up those behind it that have its key, and nobody else.
    take: `SELECT id, order_key, uuid, name, task, body, added_at, tries FROM ${outbox} o WHERE lane = $1 AND next_try_at <= $2 AND (order_key IS NULL OR NOT EXISTS `
      + `(SELECT 1 FROM ${outbox} e WHERE e.lane = o.lane AND e.order_key = o.order_key AND e.id < o.id AND e.next_try_at > $3)) ORDER BY id LIMIT $4`,
    remove: (count) => `DELETE FROM ${outbox} WHERE id IN (${Array.from({ length: count }, (_, index) => `$${index + 1}`).join(', ')})`,
    failed: `UPDATE ${outbox} SET tries = tries + 1, next_try_at = $1, error = $2 WHERE id = $3`,
    lag: `SELECT COUNT(*) AS waiting, MIN(added_at) AS oldest, COUNT(*) FILTER (WHERE tries > 0) AS failing FROM ${outbox}`,
    failing: `SELECT uuid, name, added_at, tries, next_try_at, error FROM ${outbox} WHERE tries > 0 ORDER BY id LIMIT $1`,
    enter: `INSERT INTO ${inbox} (uuid, added_at) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING uuid`,
    forget: `DELETE FROM ${inbox} WHERE uuid IN (SELECT uuid FROM ${inbox} WHERE added_at < $1 LIMIT $2) RETURNING uuid`,
  };
}

function namesOf(prefix: string): { outbox: string; lanes: string; inbox: string } {
  if (!NAME.test(prefix)) throw new ConfigurationError(`tablePrefix must be a name of small letters, digits and "_", at most 48 characters, such as 'dispatcher'; found ${JSON.stringify(prefix)}.`, { option: 'tablePrefix' });
  return { outbox: `${prefix}_outbox`, lanes: `${prefix}_outbox_lanes`, inbox: `${prefix}_inbox` };
}
