import { realpathSync, statSync, watch, type FSWatcher } from 'node:fs';
import { join } from 'node:path';
import { ConfigurationError, DispatcherError, ResultBackendUnavailableError } from '../../../errors.js';
import { folderProblem } from '../../../lmdb/folder-problem.js';
import { makeFolder } from '../../../lmdb/make-folder.js';
import { clock, type ClockTimer } from '../../../time/clock.js';
import { FORMAT, numberKey, textKey } from './records.js';
import { foreignTable, openResultFolder, RESULT_FOLDER, type ResultFolder, type ResultTables } from './result-tables.js';
import { LAST_CHANGE, MOST_CHANGES, numberIn, ResultTransaction } from './result-transaction.js';

const FORMAT_KEY = textKey('format');
const PROBE_KEY = textKey('probe');
const SWEEP_EVERY_MS = 30_000;
/** Where watching the file does not work, changes of other processes are found by looking. */
const LOOK_EVERY_MS = 500;
/** How soon it is tried again whether a full disk takes something. */
const PROBE_AFTER_MS = 500;

/** Beside the broker's data, so that one URL will do for both. */
const SUBFOLDER = 'results';

export interface FolderUser {
  /** This value was written, by whatever process; `undefined`: any of them may have been. */
  changed(key: string | undefined): void;
  /** Nothing can be written, for this reason; `undefined`: it can again. Reading may go on. */
  blocked(error: DispatcherError | undefined): void;
  /** The folder is gone, or can be used no more: leave it, and join again. */
  lost(error: DispatcherError): void;
  warning(message: string): void;
}

const open = new Map<string, SharedFolder>();
const closing = new Map<string, Promise<void>>();

/**
 * The folder's tables: one set for all backends of this process that use it. Made when missing, unless
 * it was `thereBefore`: then a new one would be an empty one, in the place of a disk that is not mounted.
 */
export async function joinFolder(location: string, user: FolderUser, thereBefore = false): Promise<SharedFolder> {
  const path = pathOf(location, thereBefore);
  while (closing.has(path)) await closing.get(path);
  let shared = open.get(path);
  if (shared === undefined) open.set(path, (shared = openShared(path)));
  shared.join(user);
  return shared;
}

/** The folder's one true name, by which the backends of this process find each other. */
function pathOf(location: string, thereBefore: boolean): string {
  const wanted = join(location, SUBFOLDER);
  try {
    if (thereBefore) statSync(join(wanted, 'data.mdb'));
    else makeFolder(wanted);
    return realpathSync(wanted);
  } catch (error) {
    throw folderProblem(RESULT_FOLDER, wanted, error);
  }
}

function openShared(path: string): SharedFolder {
  const folder = openResultFolder(path);
  try {
    checkFormat(path, folder.tables);
    return new SharedFolder(path, folder);
  } catch (error) {
    void close(path, folder);
    throw folder.typed(error);
  }
}

function close(path: string, folder: ResultFolder): Promise<void> {
  const closed = folder.close().catch(() => undefined).then(() => {
    if (closing.get(path) === closed) closing.delete(path);
  });
  closing.set(path, closed);
  return closed;
}

function checkFormat(folder: string, tables: ResultTables): void {
  const found = numberIn(tables, FORMAT_KEY);
  if (found === FORMAT) return;
  const foreign = found === 0 ? foreignTable(tables) : undefined;
  if (foreign !== undefined) {
    throw new ConfigurationError(`The data in '${folder}' are somebody else's: there is a table '${foreign}'. Name another folder.`, { folder });
  }
  if (found === 0) return void tables.meta.putSync(FORMAT_KEY, numberKey(FORMAT));
  throw new ConfigurationError(
    `The results in '${folder}' were written by another version (format ${found}; this one knows ${FORMAT}). Use that version, or remove the folder.`,
    { folder, found, expected: FORMAT });
}

export class SharedFolder {
  readonly tables: ResultTables;
  private readonly users = new Set<FolderUser>();
  private readonly timers: ClockTimer[];
  /** What users are to be told when they join. */
  private watchProblem: string | undefined;
  private watcher: FSWatcher | undefined;
  private lastChange: number;
  private looking = false;
  private sweeping = false;
  /** Why nothing can be written; what is asked for meanwhile is refused at once. */
  private refusing: DispatcherError | undefined;
  private probe: ClockTimer | undefined;

  constructor(private readonly path: string, private readonly folder: ResultFolder) {
    this.tables = folder.tables;
    this.lastChange = numberIn(this.tables, LAST_CHANGE);
    this.timers = [clock.setInterval(() => void this.sweep(), SWEEP_EVERY_MS).unref(), clock.setInterval(() => this.look(), LOOK_EVERY_MS).unref()];
    this.watchFile();
  }

  join(user: FolderUser): void {
    this.users.add(user);
    if (this.watchProblem !== undefined) user.warning(this.watchProblem);
    // Not before it has heard that it has joined.
    setImmediate(() => {
      if (this.refusing !== undefined && this.users.has(user)) user.blocked(this.refusing);
    });
    void this.sweep();
  }

  /** Resolves once it is on disk. @throws ResultBackendFullError, ResultBackendUnavailableError, ConfigurationError */
  async write<T>(work: (transaction: ResultTransaction) => T): Promise<T> {
    if (this.refusing !== undefined) throw this.refusing;
    try {
      return await this.transact(() => work(new ResultTransaction(this.tables, clock.now())));
    } finally {
      this.lookSoon();
    }
  }

  /** What was committed up to now, also by other processes. @throws as `write` */
  read<T>(work: (transaction: ResultTransaction, tables: ResultTables) => T): T {
    const { problem } = this.folder;
    if (problem !== undefined) throw problem;
    try {
      this.tables.root.resetReadTxn();
      return work(new ResultTransaction(this.tables, clock.now()), this.tables);
    } catch (error) {
      throw this.folder.typed(error);
    }
  }

  leave(user: FolderUser): Promise<void> {
    if (!this.users.delete(user) || this.users.size > 0) return closing.get(this.path) ?? Promise.resolve();
    for (const timer of this.timers) clock.clear(timer);
    clock.clear(this.probe);
    this.watcher?.close();
    this.forget();
    return close(this.path, this.folder);
  }

  async sweep(): Promise<void> {
    if (this.sweeping || this.refusing !== undefined) return;
    this.sweeping = true;
    try {
      while (this.users.size > 0 && await this.write((transaction) => transaction.sweep()));
    } catch (error) {
      for (const user of this.users) user.warning(`Removing expired results from '${this.path}' failed: ${(error as Error).message} It is tried again.`);
    } finally {
      this.sweeping = false;
    }
  }

  private async transact<T>(work: () => T): Promise<T> {
    try {
      const result = await this.folder.transaction(work);
      this.accepts();
      return result;
    } catch (error) {
      this.failed(error as DispatcherError);
      throw error;
    }
  }

  private accepts(): void {
    if (this.refusing === undefined) return;
    this.refusing = undefined;
    for (const user of this.users) user.blocked(undefined);
  }

  private failed(error: DispatcherError): void {
    if (error instanceof ResultBackendUnavailableError) {
      this.forget();
      for (const user of [...this.users]) user.lost(error);
      return;
    }
    if (this.users.size > 0) this.probe ??= clock.setTimeout(() => void this.tryAgain(), PROBE_AFTER_MS).unref();
    if (this.refusing !== undefined) return;
    this.refusing = error;
    for (const user of this.users) user.blocked(error);
  }

  /** Something must be written to learn that the disk takes it again, even when nobody writes. */
  private async tryAgain(): Promise<void> {
    this.probe = undefined;
    await this.transact(() => void this.tables.meta.put(PROBE_KEY, numberKey(clock.now()))).catch(() => undefined);
  }

  /** Whoever joins from now on opens the folder anew. */
  private forget(): void {
    if (open.get(this.path) === this) open.delete(this.path);
  }

  /** Every commit of any process writes to this file, and the system reports it within a millisecond. */
  private watchFile(): void {
    try {
      this.watcher = watch(join(this.path, 'data.mdb'), { persistent: false }, () => this.lookSoon());
      this.watcher.on('error', () => this.watcher?.close());
    } catch (error) {
      this.watchProblem = `Watching '${this.path}' does not work (${(error as Error).message}): changes by other processes are found up to half a second later.`;
    }
  }

  private lookSoon(): void {
    if (this.looking) return;
    this.looking = true;
    setImmediate(() => {
      this.looking = false;
      this.look();
    });
  }

  private look(): void {
    if (this.users.size === 0) return;
    const problem = this.folder.check();
    if (problem !== undefined) return this.failed(problem);
    try {
      this.tellChanges();
    } catch (error) {
      this.failed(this.folder.typed(error));
    }
  }

  private tellChanges(): void {
    const { tables } = this;
    tables.root.resetReadTxn();
    const last = numberIn(tables, LAST_CHANGE);
    const since = this.lastChange;
    if (last === since) return;
    this.lastChange = last;
    if (last - since >= MOST_CHANGES) return this.tell(undefined);
    const keys = new Set<string>();
    for (const { value } of tables.changes.getRange({ start: numberKey(since + 1), end: numberKey(last + 1) })) keys.add(value.toString());
    for (const key of keys) this.tell(key);
  }

  private tell(key: string | undefined): void {
    for (const user of this.users) user.changed(key);
  }
}
