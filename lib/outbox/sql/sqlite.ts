import { commonStatements, LANES, type OutboxDialect } from './outbox-sql.js';

/** Nobody has the lane now. A time further off than any lease can be is of a clock that has been set back since. */
const FREE = (parameter: number): string => `(leased_until <= $${parameter} OR leased_until > $${parameter + 1})`;

export const sqlite: OutboxDialect = {
  tables: ({ outbox, lanes, inbox }) => [
    // AUTOINCREMENT: else the number of the last row that was removed would be given again.
    `CREATE TABLE IF NOT EXISTS ${outbox} (id INTEGER PRIMARY KEY AUTOINCREMENT, lane INTEGER NOT NULL, order_key TEXT, uuid TEXT NOT NULL, name TEXT NOT NULL, `
    + 'task TEXT NOT NULL, body BLOB NOT NULL, added_at INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0, next_try_at INTEGER NOT NULL DEFAULT 0, error TEXT)',
    `CREATE INDEX IF NOT EXISTS ${outbox}_in_order ON ${outbox} (lane, id)`,
    `CREATE INDEX IF NOT EXISTS ${outbox}_waiting ON ${outbox} (lane, order_key, id) WHERE next_try_at > 0`,
    `CREATE TABLE IF NOT EXISTS ${lanes} (lane INTEGER PRIMARY KEY, owner TEXT, leased_until INTEGER NOT NULL DEFAULT 0)`,
    `INSERT INTO ${lanes} (lane) VALUES ${Array.from({ length: LANES }, (_, lane) => `(${lane})`).join(', ')} ON CONFLICT DO NOTHING`,
    `CREATE TABLE IF NOT EXISTS ${inbox} (uuid TEXT NOT NULL PRIMARY KEY, added_at INTEGER NOT NULL)`,
    `CREATE INDEX IF NOT EXISTS ${inbox}_by_age ON ${inbox} (added_at)`,
  ],
  statements: (names) => ({
    ...commonStatements(names),
    lanes: {
      kind: 'leased',
      withWork: `SELECT lane FROM ${names.lanes} l WHERE ${FREE(1)} AND EXISTS (SELECT 1 FROM ${names.outbox} o WHERE o.lane = l.lane AND o.next_try_at <= $3)`,
      claim: `UPDATE ${names.lanes} SET owner = $1, leased_until = $2 WHERE lane = $3 AND ${FREE(4)} RETURNING lane`,
      release: `UPDATE ${names.lanes} SET leased_until = 0 WHERE lane = $1 AND owner = $2`,
    },
  }),
};
