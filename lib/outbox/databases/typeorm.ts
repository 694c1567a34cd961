import type { OutboxDatabase, OutboxRow } from '../outbox-database.js';

/** What is used of an EntityManager of TypeORM. @publicApi */
export interface TypeOrmManager {
  query(sql: string, parameters?: unknown[]): Promise<unknown>;
}

/** What is used of a DataSource of TypeORM. @publicApi */
export interface TypeOrmDataSource extends TypeOrmManager {
  transaction<Result>(work: (manager: TypeOrmManager) => Promise<Result>): Promise<Result>;
}

/** A DataSource of TypeORM on PostgreSQL; a transaction is its EntityManager. @publicApi */
export function typeOrmOutbox(dataSource: TypeOrmDataSource): OutboxDatabase<TypeOrmManager> {
  const queryIn = async (manager: TypeOrmManager, sql: string, parameters: readonly unknown[]): Promise<readonly OutboxRow[]> => rowsOf(await manager.query(sql, [...parameters]));
  return {
    query: (sql, parameters) => queryIn(dataSource, sql, parameters),
    queryIn,
    transaction: (work) => dataSource.transaction((manager) => work(manager)),
  };
}

/** Of DELETE and UPDATE it tells the rows and how many were changed. */
function rowsOf(answer: unknown): readonly OutboxRow[] {
  if (!Array.isArray(answer)) return [];
  return answer.length === 2 && Array.isArray(answer[0]) && typeof answer[1] === 'number' ? answer[0] as OutboxRow[] : answer as OutboxRow[];
}
