import { createRequire } from 'node:module';
import type { Database, RootDatabase } from 'lmdb';

/** A table of bytes by bytes. */
export type Table = Database<Buffer, Buffer>;

/** The tables of a folder; `keys.ts` has their keys, `message-record.ts` the messages. */
export interface Tables {
  readonly root: RootDatabase<Buffer, Buffer>;
  /** Numbers and versions that belong to all, and the topology. */
  readonly meta: Table;
  /** How many messages wait, by queue. */
  readonly counts: Table;
  readonly ready: Table;
  readonly taken: Table;
  readonly delayed: Table;
  /** Bodies too large to move about, in pieces. */
  readonly bodies: Table;
  /** Processes that have the folder open. */
  readonly owners: Table;
}

const NAMES = ['meta', 'counts', 'ready', 'taken', 'delayed', 'bodies', 'owners'] as const;
const BYTES = { encoding: 'binary', keyEncoding: 'binary' } as const;

/** How many processes and threads can have the folder open at a time. */
const MOST_READERS = 512;

const load = createRequire(__filename);

export function openTables(folder: string): Tables {
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
    // Writes are batched by us. With its own batching the driver makes a promise that nobody can
    // catch: a commit that fails would end the process.
    eventTurnBatching: false,
    ...BYTES,
  });
  const tables = NAMES.map((name) => [name, root.openDB<Buffer, Buffer>(name, BYTES)] as const);
  return { root, ...(Object.fromEntries(tables) as Omit<Tables, 'root'>) };
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
