import { commonStatements, lockedLanes, LANES, type OutboxDialect } from './outbox-sql.js';

/** Compared byte by byte: what is usual there takes `A` for `a`. */
const TEXTS = 'ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin';

/** MySQL from 8.0.1, and MariaDB from 10.6, which have SKIP LOCKED. */
export const mysql: OutboxDialect = {
  tables: ({ outbox, lanes, inbox }) => [
    `CREATE TABLE IF NOT EXISTS ${outbox} (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, lane SMALLINT NOT NULL, order_key LONGTEXT, uuid LONGTEXT NOT NULL, name LONGTEXT NOT NULL, `
    + 'task LONGTEXT NOT NULL, body LONGBLOB NOT NULL, added_at BIGINT NOT NULL, tries INTEGER NOT NULL DEFAULT 0, next_try_at BIGINT NOT NULL DEFAULT 0, error LONGTEXT, '
    + `KEY ${outbox}_in_order (lane, id), KEY ${outbox}_waiting (lane, next_try_at)) ${TEXTS}`,
    `CREATE TABLE IF NOT EXISTS ${lanes} (lane SMALLINT PRIMARY KEY) ${TEXTS}`,
    `INSERT IGNORE INTO ${lanes} (lane) VALUES ${Array.from({ length: LANES }, (_, lane) => `(${lane})`).join(', ')}`,
    // Bytes: two texts of which one has a space more at its end are the same here.
    `CREATE TABLE IF NOT EXISTS ${inbox} (uuid VARBINARY(255) NOT NULL PRIMARY KEY, added_at BIGINT NOT NULL, KEY ${inbox}_by_age (added_at)) ${TEXTS}`,
  ],
  statements: (names) => {
    const { outbox, inbox } = names;
    const common = commonStatements(names);
    return {
      ...common,
      lanes: lockedLanes(names),
      // By its key, whatever the table looks like: what is read to be removed is locked, and others add to it meanwhile.
      remove: (count) => common.remove(count).replace(`DELETE FROM ${outbox} WHERE id`, `DELETE o FROM ${outbox} o FORCE INDEX (PRIMARY) WHERE o.id`),
      // A row that is there is changed, so that it counts as two; one that is written to what it was counts as none or one, as the connection has it.
      enter: `INSERT INTO ${inbox} (uuid, added_at) VALUES ($1, $2) ON DUPLICATE KEY UPDATE added_at = added_at + 1`,
      entered: 'SELECT ROW_COUNT() AS entered',
      forget: `DELETE FROM ${inbox} WHERE added_at < $1 LIMIT $2`,
    };
  },
};
