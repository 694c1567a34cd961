/** Tasks of one key are in one lane, and one process at a time sends what is in a lane. */
export const LANES = 16;

/** The names of the tables, of one prefix. */
export interface TableNames { readonly outbox: string; readonly lanes: string; readonly inbox: string }

/** A lane is a process's own for as long as it has its row locked, and others pass over it. */
export interface LockedLanesSql {
  readonly kind: 'locked';
  readonly withWork: string;
  readonly lock: string;
}

/** A lane is a process's own until a time: for a database in which one transaction at a time writes, and none may be long. */
export interface LeasedLanesSql {
  readonly kind: 'leased';
  readonly withWork: string;
  readonly claim: string;
  readonly release: string;
}

/** The statements of the outbox and the inbox, for one prefix of its tables. */
export interface OutboxSql {
  readonly channel: string;
  readonly add: string;
  readonly lanes: LockedLanesSql | LeasedLanesSql;
  readonly take: string;
  remove(count: number): string;
  readonly failed: string;
  readonly lag: string;
  readonly failing: string;
  /** Writes that a task has run, unless it is written already. */
  readonly enter: string;
  /** Where `enter` has no rows: says 1 as `entered` where it has written, in the same transaction. */
  readonly entered?: string;
  readonly forget: string;
  readonly outdated: string;
}

/** What one kind of database says in its own words. */
export interface OutboxDialect {
  tables(names: TableNames): string[];
  statements(names: TableNames): OutboxSql;
}

/** What all of them say alike. */
export function commonStatements({ outbox, inbox }: TableNames): Omit<OutboxSql, 'lanes'> {
  return {
    channel: outbox,
    add: `INSERT INTO ${outbox} (lane, order_key, uuid, name, task, body, added_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    // What waits for its next try holds up those behind it that have its key, and nobody else.
    take: `SELECT id, order_key, uuid, name, task, body, added_at, tries FROM ${outbox} o WHERE lane = $1 AND next_try_at <= $2 AND (order_key IS NULL OR NOT EXISTS `
      + `(SELECT 1 FROM ${outbox} e WHERE e.lane = o.lane AND e.order_key = o.order_key AND e.id < o.id AND e.next_try_at > $3)) ORDER BY id LIMIT $4`,
    remove: (count) => `DELETE FROM ${outbox} WHERE id IN (${Array.from({ length: count }, (_, index) => `$${index + 1}`).join(', ')})`,
    failed: `UPDATE ${outbox} SET tries = tries + 1, next_try_at = $1, error = $2 WHERE id = $3`,
    lag: `SELECT COUNT(*) AS waiting, MIN(added_at) AS oldest, COUNT(CASE WHEN tries > 0 THEN 1 END) AS failing FROM ${outbox}`,
    failing: `SELECT uuid, name, added_at, tries, next_try_at, error FROM ${outbox} WHERE tries > 0 ORDER BY id LIMIT $1`,
    enter: `INSERT INTO ${inbox} (uuid, added_at) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING uuid`,
    forget: `DELETE FROM ${inbox} WHERE uuid IN (SELECT uuid FROM ${inbox} WHERE added_at < $1 LIMIT $2)`,
    outdated: `SELECT uuid FROM ${inbox} WHERE added_at < $1 LIMIT 1`,
  };
}

/** Where a locked row can be passed over. */
export function lockedLanes({ outbox, lanes }: TableNames): LockedLanesSql {
  return {
    kind: 'locked',
    withWork: `SELECT lane FROM ${lanes} l WHERE EXISTS (SELECT 1 FROM ${outbox} o WHERE o.lane = l.lane AND o.next_try_at <= $1)`,
    lock: `SELECT lane FROM ${lanes} WHERE lane = $1 FOR UPDATE SKIP LOCKED`,
  };
}
