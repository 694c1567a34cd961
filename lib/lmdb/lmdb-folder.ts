import type { Database, RootDatabase } from 'lmdb';
import { DispatcherError } from '../errors.js';
import { DataFile } from './data-file.js';
import { folderProblem, type FolderUse } from './folder-problem.js';
import { claimFolder, type FolderMarker } from './format-marker.js';
import { loadDriver } from './load-driver.js';
import { prepareLockFile } from './lock-file.js';

/** A table of bytes by bytes. */
export type Table = Database<Buffer, Buffer>;

/** The tables of a folder, by name. */
export type TablesOf<Name extends string> = Readonly<Record<Name, Table>> & { readonly root: RootDatabase<Buffer, Buffer> };

export interface LmdbFolderOptions<Name extends string> {
  /** Exists, and has no symbolic link in it. */
  readonly folder: string;
  readonly use: FolderUse;
  readonly marker: FolderMarker;
  readonly tables: readonly Name[];
}

const BYTES = { encoding: 'binary', keyEncoding: 'binary' } as const;

/** How many processes and threads can have the folder open at a time. */
const MOST_READERS = 512;
const READ_KEY = Buffer.from('read');

/** A folder of LMDB: opened, written and closed here, so that its traps are known in one place. */
export class LmdbFolder<Name extends string> {
  readonly tables: TablesOf<Name>;
  private readonly file: DataFile;
  private broken: DispatcherError | undefined;

  /** @throws ConfigurationError for a folder that cannot be ours; otherwise what `use` makes of it */
  constructor(private readonly options: LmdbFolderOptions<Name>) {
    const { folder, use, marker } = options;
    this.file = new DataFile(folder, use);
    // First of all: a folder is not claimed for what cannot be opened.
    const { open } = loadDriver(use, folder);
    try {
      claimFolder(folder, marker);
      this.file.inspect();
      prepareLockFile(folder, use);
      this.tables = openTables(open, folder, options.tables);
      this.file.inUse();
    } catch (error) {
      throw this.typed(error);
    }
  }

  /**
   * Why nothing can be read or written, as far as is known; costs nothing. Whoever reads asks first,
   * because the missing end of a file cannot be read without ending the process.
   */
  get problem(): DispatcherError | undefined {
    return this.broken ?? this.file.problem;
  }

  /** Looks whether the folder is still there, as a whole. */
  check(): DispatcherError | undefined {
    return this.broken ?? this.file.check();
  }

  /**
   * Runs `work` with the folder's write lock, and resolves once what it wrote is on disk. Work of one
   * turn shares a transaction, so `work` must not throw after it has written: that cannot be undone.
   * @throws what `work` has thrown; or, typed, why the disk does not take it. Then nothing was written,
   *   unless the folder was deleted meanwhile
   */
  async transaction<T>(work: () => T): Promise<T> {
    this.assertUsable();
    let refused: unknown;
    const result = await this.tables.root.transaction(() => {
      try {
        return work();
      } catch (error) {
        refused = error;
        throw error;
      }
    }).catch(async (error: unknown) => {
      const reason = await reasonOf(error);
      this.afterFailure();
      throw this.typed(refused ?? reason);
    });
    // Written to a file that nobody will find again is not kept.
    this.assertUsable();
    return result;
  }

  typed(error: unknown): DispatcherError {
    return error instanceof DispatcherError ? error : folderProblem(this.options.use, this.options.folder, error);
  }

  async close(): Promise<void> {
    await this.tables.root.close();
  }

  private assertUsable(): void {
    const problem = this.check();
    if (problem !== undefined) throw problem;
  }

  /**
   * A commit whose very last step failed leaves the driver unusable: it says so when it is read, but a
   * write would never end.
   */
  private afterFailure(): void {
    if (this.problem !== undefined) return;
    try {
      this.tables.root.resetReadTxn();
      this.tables.root.getBinary(READ_KEY);
    } catch (error) {
      const { use, folder } = this.options;
      this.broken = use.unavailable(
        `The ${use.name} can write to its folder '${folder}' no more, since a write was cut short (${(error as Error).message}). What was accepted is there: start the process again.`, { folder }, error);
    }
  }
}

function openTables<Name extends string>(open: typeof import('lmdb').open, folder: string, names: readonly Name[]): TablesOf<Name> {
  const root = open<Buffer, Buffer>({
    path: folder,
    // By default a folder with a dot in its name would be taken for a file.
    noSubdir: false,
    maxDbs: names.length,
    maxReaders: MOST_READERS,
    // A commit is on disk when its promise resolves, and an error of the disk rejects it.
    overlappingSync: false,
    // With its own batching the driver makes a promise that nobody can catch: a commit that fails
    // would end the process. What is written in one turn shares a transaction all the same.
    eventTurnBatching: false,
    ...BYTES,
  });
  try {
    const tables = names.map((name) => [name, root.openDB<Buffer, Buffer>(name, BYTES)] as const);
    return { root, ...Object.fromEntries(tables) } as TablesOf<Name>;
  } catch (error) {
    void root.close().catch(() => undefined);
    throw error;
  }
}

/** The driver hides the cause of a failed commit in a second promise, which nobody else looks at. */
async function reasonOf(error: unknown): Promise<unknown> {
  const { commitError } = error as { commitError?: Promise<unknown> };
  if (commitError === undefined) return error;
  return commitError.then(() => error, (cause: unknown) => cause);
}
