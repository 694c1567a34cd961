import { commonStatements, lockedLanes, LANES, type OutboxDialect } from './outbox-sql.js';

export const postgres: OutboxDialect = {
  tables: ({ outbox, lanes, inbox }) => [
    `CREATE TABLE IF NOT EXISTS ${outbox} (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, lane SMALLINT NOT NULL, order_key TEXT, uuid TEXT NOT NULL, name TEXT NOT NULL, `
    + 'task TEXT NOT NULL, body BYTEA NOT NULL, added_at BIGINT NOT NULL, tries INTEGER NOT NULL DEFAULT 0, next_try_at BIGINT NOT NULL DEFAULT 0, error TEXT)',
    `CREATE INDEX IF NOT EXISTS ${outbox}_in_order ON ${outbox} (lane, id)`,
    `CREATE INDEX IF NOT EXISTS ${outbox}_waiting ON ${outbox} (lane, order_key, id) WHERE next_try_at > 0`,
    `CREATE TABLE IF NOT EXISTS ${lanes} (lane SMALLINT PRIMARY KEY)`,
    `INSERT INTO ${lanes} (lane) SELECT generate_series(0, ${LANES - 1}) ON CONFLICT DO NOTHING`,
    `CREATE TABLE IF NOT EXISTS ${inbox} (uuid TEXT PRIMARY KEY, added_at BIGINT NOT NULL)`,
    `CREATE INDEX IF NOT EXISTS ${inbox}_by_age ON ${inbox} (added_at)`,
  ],
  statements: (names) => {
    const common = commonStatements(names);
    return {
      ...common,
      // Whoever listens is told when the transaction is committed, and once whatever it has added.
      add: `WITH added AS (${common.add} RETURNING id) SELECT pg_notify('${names.outbox}', '') FROM added`,
      lanes: lockedLanes(names),
    };
  },
};
