import { createRequire } from 'node:module';
import { join } from 'node:path';
import type Database from 'better-sqlite3';

/** `scripts/packages-beside.mjs` puts it there where it can be had. */
function load(): typeof Database | undefined {
  try {
    return createRequire(join(process.cwd(), 'package.json'))('better-sqlite3') as typeof Database;
  } catch {
    return undefined;
  }
}

const found = load();

/** Tests of SQLite are skipped then. */
export const isSqliteMissing = found === undefined;
if (isSqliteMissing) console.warn('better-sqlite3 is not installed, so the outbox is not tested on SQLite: `npm test` installs it where it can be fetched or compiled.');

/** A connection to a file of SQLite. */
export function openSqlite(file: string, options?: { readonly?: boolean }): Database.Database {
  if (found === undefined) throw new Error('better-sqlite3 is not installed.');
  return new found(file, options);
}
