import type { OutboxDatabase, OutboxRow } from '../outbox-database.js';
import { dialectBy, withoutNumbers, type ServerDialect } from './dialects.js';

/** What is used of an EntityManager of TypeORM. @publicApi */
export interface TypeOrmManager {
  query(sql: string, parameters?: unknown[]): Promise<unknown>;
}

/** What is used of a DataSource of TypeORM. @publicApi */
export interface TypeOrmDataSource extends TypeOrmManager {
  readonly options?: { readonly type?: string };
  transaction<Result>(work: (manager: TypeOrmManager) => Promise<Result>): Promise<Result>;
}

const DIALECTS: Readonly<Record<string, ServerDialect>> = {
  'postgres': 'postgres', 'aurora-postgres': 'postgres', 'mysql': 'mysql', 'mariadb': 'mysql', 'aurora-mysql': 'mysql',
};

/**
 * A DataSource of TypeORM on PostgreSQL, MySQL or MariaDB; a transaction is its EntityManager.
 *
 * @throws ConfigurationError where it is of another database
 * @publicApi
 */
export function typeOrmOutbox(dataSource: TypeOrmDataSource): OutboxDatabase<TypeOrmManager> {
  const dialect = dialectBy(DIALECTS, dataSource.options?.type ?? 'postgres', 'TypeORM');
  const queryIn = async (manager: TypeOrmManager, sql: string, parameters: readonly unknown[]): Promise<readonly OutboxRow[]> => rowsOf(await manager.query(dialect === 'mysql' ? withoutNumbers(sql) : sql, [...parameters]));
  return {
    dialect,
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
