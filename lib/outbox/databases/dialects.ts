import { ConfigurationError } from '../../index.js';
import type { OutboxDialectName, OutboxRow } from '../outbox-database.js';

/** Those of which one locked row can be passed over. */
export type ServerDialect = Exclude<OutboxDialectName, 'sqlite'>;

/** In MySQL's words parameters have no numbers: they stand in their order, each once. */
export function withoutNumbers(sql: string): string {
  return sql.replace(/\$\d+/g, '?');
}

/** What a driver answers: pg an object with `rows`, postgres.js rows, mysql2 two things, first the rows or how many were changed. */
export function rowsOf(dialect: ServerDialect, answer: unknown): readonly OutboxRow[] {
  if (!Array.isArray(answer)) return (answer as { rows?: OutboxRow[] }).rows ?? [];
  if (dialect === 'postgres') return answer as OutboxRow[];
  return Array.isArray(answer[0]) ? answer[0] as OutboxRow[] : [];
}

/**
 * Which one an ORM has been set to, by its own name for it.
 *
 * @throws ConfigurationError for one that is not known
 */
export function dialectBy(names: Readonly<Record<string, ServerDialect>>, found: string, library: string): ServerDialect {
  const dialect = Object.hasOwn(names, found) ? names[found] : undefined;
  if (dialect !== undefined) return dialect;
  const advice = found.includes('sqlite') ? ' For SQLite there is betterSqlite3Outbox, with connections of its own to the file.' : '';
  throw new ConfigurationError(`With ${library} the outbox works on ${Object.keys(names).join(', ')}; found "${found}".${advice}`, { option: 'database' });
}
