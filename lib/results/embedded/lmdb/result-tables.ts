import { createRequire } from 'node:module';
import type { Database, RootDatabase } from 'lmdb';

/** A table of bytes by bytes. */
export type Table = Database<Buffer, Buffer>;

/** The tables of a folder; `records.ts` has what lies in them. */
export interface ResultTables {
  readonly root: RootDatabase<Buffer, Buffer>;
  /** Numbers that belong to all: the format, the last set, the last change. */
  readonly meta: Table;
  readonly values: Table;
  /** One record for each set of members; it names the set by a number. */
  readonly sets: Table;
  /** Members by set number and position. */
  readonly members: Table;
  /** Positions by set number and the hash of the member's name. */
  readonly names: Table;
  /** What expires when. */
  readonly expiring: Table;
  /** Sets that are gone, whose members have still to be removed. */
  readonly garbage: Table;
  /** The latest changes of values, by which processes tell each other. */
  readonly changes: Table;
}

const NAMES = ['meta', 'values', 'sets', 'members', 'names', 'expiring', 'garbage', 'changes'] as const;
const BYTES = { encoding: 'binary', keyEncoding: 'binary' } as const;

/** How many processes and threads can have the folder open at a time. */
const MOST_READERS = 512;

const load = createRequire(__filename);

export function openResultTables(folder: string): ResultTables {
  // Loaded with the first folder: the native library costs 11 MiB, which a worker on RabbitMQ should not pay.
  const { open } = load('lmdb') as typeof import('lmdb');
  const root = open<Buffer, Buffer>({
    path: folder,
    // By default a folder with a dot in its name would be taken for a file.
    noSubdir: false,
    maxDbs: NAMES.length,
    maxReaders: MOST_READERS,
    // A commit is on disk when its promise resolves, and an error of the disk rejects it.
    overlappingSync: false,
    ...BYTES,
  });
  const tables = NAMES.map((name) => [name, root.openDB<Buffer, Buffer>(name, BYTES)] as const);
  return { root, ...(Object.fromEntries(tables) as Omit<ResultTables, 'root'>) };
}
