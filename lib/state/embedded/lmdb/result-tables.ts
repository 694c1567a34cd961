import { ResultBackendFullError, ResultBackendUnavailableError } from '../../../errors.js';
import type { FolderUse } from '../../../lmdb/folder-problem.js';
import type { FolderMarker } from '../../../lmdb/format-marker.js';
import { LmdbFolder, type TablesOf } from '../../../lmdb/lmdb-folder.js';
import { FORMAT } from './records.js';

/**
 * The tables of a folder; `records.ts` has what lies in them.
 *
 *     meta      numbers that belong to all: the format, the last set, the last change
 *     values    by key
 *     sets      one record for each set of members; it names the set by a number
 *     members   by set number and position
 *     names     positions by set number and the hash of the member's name
 *     expiring  what expires when
 *     garbage   sets that are gone, whose members have still to be removed
 *     changes   the latest changes of values, by which processes tell each other
 */
const NAMES = ['meta', 'values', 'sets', 'members', 'names', 'expiring', 'garbage', 'changes'] as const;

export type ResultTables = TablesOf<typeof NAMES[number]>;
export type ResultFolder = LmdbFolder<typeof NAMES[number]>;

export const RESULT_FOLDER: FolderUse = {
  name: 'embedded results',
  full: (message, fields, cause) => new ResultBackendFullError(message, fields, cause),
  unavailable: (message, fields, cause) => new ResultBackendUnavailableError(message, fields, cause),
};

const MARKER: FolderMarker = {
  name: 'embedded results',
  file: 'dispatcher-results.json',
  kind: 'nestjs-dispatcher embedded results',
  format: FORMAT,
  // Version 0.1.0 wrote no marker.
  tolerated: ['data.mdb', 'lock.mdb'],
};

/** @throws ConfigurationError, ResultBackendFullError, ResultBackendUnavailableError */
export function openResultFolder(folder: string): ResultFolder {
  return new LmdbFolder({ folder, use: RESULT_FOLDER, marker: MARKER, tables: NAMES });
}

/** In the root table the driver keeps the tables' names, and we nothing. */
export function foreignTable({ root }: ResultTables): string | undefined {
  for (const key of root.getKeys({})) {
    // The driver ends them with a zero byte.
    const name = key.toString().replace(/\0+$/, '');
    if (!(NAMES as readonly string[]).includes(name)) return name;
  }
  return undefined;
}
