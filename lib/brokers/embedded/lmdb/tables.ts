import { BrokerUnavailableError } from '../../../errors.js';
import type { FolderUse } from '../../../lmdb/folder-problem.js';
import type { FolderMarker } from '../../../lmdb/format-marker.js';
import { LmdbFolder, type Table, type TablesOf } from '../../../lmdb/lmdb-folder.js';

/**
 * The tables of a folder; `keys.ts` has their keys, `message-record.ts` the messages.
 *
 *     meta     numbers and versions that belong to all, and the topology
 *     counts   how many messages wait, by queue
 *     ready, taken, delayed   messages
 *     bodies   those too large to move about, in pieces
 *     owners   processes that have the folder open
 */
const NAMES = ['meta', 'counts', 'ready', 'taken', 'delayed', 'bodies', 'owners'] as const;

export type { Table } from '../../../lmdb/lmdb-folder.js';
export type Tables = TablesOf<typeof NAMES[number]>;
export type BrokerFolder = LmdbFolder<typeof NAMES[number]>;

export const BROKER_FOLDER: FolderUse = {
  name: 'embedded broker',
  full: (message, fields, cause) => new BrokerUnavailableError(message, fields, cause),
  unavailable: (message, fields, cause) => new BrokerUnavailableError(message, fields, cause),
};

const MARKER: FolderMarker = {
  name: 'embedded broker',
  file: 'dispatcher-broker.json',
  kind: 'nestjs-dispatcher embedded broker',
  format: 1,
  // The results of the same URL, which may have come first (`lib/state/embedded`).
  tolerated: ['results'],
};

/** @throws ConfigurationError, BrokerUnavailableError */
export function openBrokerFolder(folder: string): BrokerFolder {
  return new LmdbFolder({ folder, use: BROKER_FOLDER, marker: MARKER, tables: NAMES });
}

/** The number in a record of eight bytes; 0 when there is none. */
export function readNumber(table: Table, key: Buffer): number {
  return table.getBinary(key)?.readDoubleBE(0) ?? 0;
}

export function numberRecord(value: number): Buffer {
  const record = Buffer.allocUnsafe(8);
  record.writeDoubleBE(value, 0);
  return record;
}
