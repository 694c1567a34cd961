import type { OutboxDatabase, OutboxRow } from '../outbox-database.js';
import { withoutNumbers, type ServerDialect } from './dialects.js';

/** What is used of an EntityManager of MikroORM. @publicApi */
export interface MikroOrmManager {
  execute(sql: string, parameters?: never[], method?: 'all'): Promise<unknown>;
}

/** What is used of MikroORM. @publicApi */
export interface MikroOrmLike {
  readonly em: { fork(): MikroOrmManager & { transactional<Result>(work: (manager: MikroOrmManager) => Promise<Result>): Promise<Result> } };
}

/**
 * MikroORM on PostgreSQL, MySQL or MariaDB; a transaction is the `EntityManager` that `em.transactional` hands out.
 *
 * @param dialect of which database. Default: `postgres`
 * @publicApi
 */
export function mikroOrmOutbox(orm: MikroOrmLike, dialect: ServerDialect = 'postgres'): OutboxDatabase<MikroOrmManager> {
  const queryIn = async (manager: MikroOrmManager, sql: string, parameters: readonly unknown[]): Promise<readonly OutboxRow[]> => {
    const answer = await manager.execute(withoutNumbers(sql), [...parameters] as never[], 'all');
    // Of what is no query, MySQL tells how many were changed.
    return Array.isArray(answer) ? answer as OutboxRow[] : [];
  };
  // Each in a context of its own: the identity map of the application has nothing to do with it.
  return { dialect, query: (sql, parameters) => queryIn(orm.em.fork(), sql, parameters), queryIn, transaction: (work) => orm.em.fork().transactional((manager) => work(manager)) };
}
