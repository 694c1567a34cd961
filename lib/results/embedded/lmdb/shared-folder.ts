import { mkdirSync, realpathSync, watch, type FSWatcher } from 'node:fs';
import { join, resolve } from 'node:path';
import { ConfigurationError } from '../../../errors.js';
import { FORMAT, numberKey, textKey } from './records.js';
import { openResultTables, type ResultTables } from './result-tables.js';
import { LAST_CHANGE, MOST_CHANGES, numberIn, ResultTransaction } from './result-transaction.js';

const FORMAT_KEY = textKey('format');
const SWEEP_EVERY_MS = 30_000;
/** Where watching the file does not work, changes of other processes are found by looking. */
const LOOK_EVERY_MS = 500;

/** Beside the broker's data, so that one URL will do for both. */
const SUBFOLDER = 'results';

export interface FolderUser {
  /** This value was written, by whatever process; `undefined`: any of them may have been. */
  changed(key: string | undefined): void;
  warning(message: string): void;
}

const open = new Map<string, SharedFolder>();
const closing = new Map<string, Promise<void>>();

/** The folder's tables: one set for all backends of this process that use it. */
export async function joinFolder(location: string, user: FolderUser): Promise<SharedFolder> {
  const wanted = resolve(location, SUBFOLDER);
  mkdirSync(wanted, { recursive: true });
  const folder = realpathSync(wanted);
  while (closing.has(folder)) await closing.get(folder);
  let shared = open.get(folder);
  if (shared === undefined) open.set(folder, (shared = new SharedFolder(folder)));
  shared.users.add(user);
  if (shared.watchProblem !== undefined) user.warning(shared.watchProblem);
  return shared;
}

export class SharedFolder {
  readonly users = new Set<FolderUser>();
  readonly tables: ResultTables;
  private readonly timers: NodeJS.Timeout[];
  /** What users are to be told when they join. */
  watchProblem: string | undefined;
  private watcher: FSWatcher | undefined;
  private lastChange: number;
  private looking = false;
  private sweeping = false;

  constructor(readonly folder: string) {
    this.tables = openResultTables(folder);
    this.checkFormat();
    this.lastChange = numberIn(this.tables, LAST_CHANGE);
    this.timers = [setInterval(() => void this.sweep(), SWEEP_EVERY_MS).unref(), setInterval(() => this.look(), LOOK_EVERY_MS).unref()];
    this.watchFile();
    void this.sweep();
  }

  /** Resolves once it is on disk. */
  async write<T>(work: (transaction: ResultTransaction) => T): Promise<T> {
    try {
      return await this.tables.root.transaction(() => work(new ResultTransaction(this.tables, Date.now())));
    } catch (error) {
      throw await reasonOf(error);
    } finally {
      this.lookSoon();
    }
  }

  /** What was committed up to now, also by other processes. */
  read<T>(work: (transaction: ResultTransaction) => T): T {
    this.tables.root.resetReadTxn();
    return work(new ResultTransaction(this.tables, Date.now()));
  }

  leave(user: FolderUser): Promise<void> {
    if (!this.users.delete(user) || this.users.size > 0) return closing.get(this.folder) ?? Promise.resolve();
    for (const timer of this.timers) clearInterval(timer);
    this.watcher?.close();
    open.delete(this.folder);
    const closed = this.tables.root.close().catch(() => undefined).then(() => { closing.delete(this.folder); });
    closing.set(this.folder, closed);
    return closed;
  }

  async sweep(): Promise<void> {
    if (this.sweeping) return;
    this.sweeping = true;
    try {
      while (this.users.size > 0 && await this.write((transaction) => transaction.sweep()));
    } catch (error) {
      for (const user of this.users) user.warning(`Removing expired results from '${this.folder}' failed: ${(error as Error).message}. It is tried again.`);
    } finally {
      this.sweeping = false;
    }
  }

  private checkFormat(): void {
    const found = numberIn(this.tables, FORMAT_KEY);
    if (found === 0) return void this.tables.meta.putSync(FORMAT_KEY, numberKey(FORMAT));
    if (found === FORMAT) return;
    void this.tables.root.close();
    throw new ConfigurationError(
      `The results in '${this.folder}' were written by another version (format ${found}; this one knows ${FORMAT}). Use that version, or remove the folder.`,
      { folder: this.folder, found, expected: FORMAT });
  }

  /** Every commit of any process writes to this file, and the system reports it within a millisecond. */
  private watchFile(): void {
    try {
      this.watcher = watch(join(this.folder, 'data.mdb'), { persistent: false }, () => this.lookSoon());
      this.watcher.on('error', () => this.watcher?.close());
    } catch (error) {
      this.watchProblem = `Watching '${this.folder}' does not work (${(error as Error).message}): changes by other processes are found up to half a second later.`;
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

/** The driver hides the cause of a failed commit in a second promise, which nobody else looks at. */
async function reasonOf(error: unknown): Promise<unknown> {
  const { commitError } = error as { commitError?: Promise<unknown> };
  if (commitError === undefined) return error;
  return commitError.then(() => error, (cause: unknown) => cause);
}
