import { ConfigurationError } from '../index.js';
import type { OutboxDialectName } from './outbox-database.js';
import type { OutboxDialect, OutboxSql, TableNames } from './sql/outbox-sql.js';
import { mysql } from './sql/mysql.js';
import { postgres } from './sql/postgres.js';
import { sqlite } from './sql/sqlite.js';

/** The longest name of a table in PostgreSQL is 63 bytes; these names have endings. */
const NAME = /^[a-z_][a-z0-9_]{0,47}$/;
const DIALECTS: Readonly<Record<OutboxDialectName, OutboxDialect>> = { postgres, mysql, sqlite };

/**
 * What has to be there before the outbox is used, statement by statement; what exists is left as it is. For the migrations of
 * the application, or once by `DispatcherOutbox.createTables()`.
 *
 * @param prefix of the names of the tables. Default: `dispatcher`
 * @param dialect of which database. Default: `postgres`
 * @throws ConfigurationError for a prefix that is no name in lower case, and for another dialect
 * @publicApi
 */
export function outboxTables(prefix = 'dispatcher', dialect: OutboxDialectName = 'postgres'): string[] {
  return dialectOf(dialect).tables(namesOf(prefix));
}

/** @throws ConfigurationError */
export function sqlOf(prefix: string, dialect: OutboxDialectName = 'postgres'): OutboxSql {
  return dialectOf(dialect).statements(namesOf(prefix));
}

function dialectOf(name: OutboxDialectName): OutboxDialect {
  if (Object.hasOwn(DIALECTS, name)) return DIALECTS[name];
  throw new ConfigurationError(`The dialect of a database must be one of ${Object.keys(DIALECTS).join(', ')}; found ${String(name)}.`, { option: 'dialect' });
}

function namesOf(prefix: string): TableNames {
  if (!NAME.test(prefix)) throw new ConfigurationError(`tablePrefix must be a name of small letters, digits and "_", at most 48 characters, such as 'dispatcher'; found ${JSON.stringify(prefix)}.`, { option: 'tablePrefix' });
  return { outbox: `${prefix}_outbox`, lanes: `${prefix}_outbox_lanes`, inbox: `${prefix}_inbox` };
}
