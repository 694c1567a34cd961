import { closeSync, fstatSync, openSync, statSync, type BigIntStats } from 'node:fs';
import { join } from 'node:path';
import { ConfigurationError, DispatcherError } from '../errors.js';
import { isComplete, readMeta } from './data-pages.js';
import { folderProblem, type FolderUse } from './folder-problem.js';

/** What is wrong with a file that nobody writes to is still wrong after so many looks. */
const MOST_LOOKS = 8;
const LOOK_PAUSE_MS = 25;

/**
 * The file that the driver maps into memory. Where part of it is missing, touching the memory ends the
 * process (SIGBUS) and no handler can help: so it is looked at before it is mapped, and again and again
 * while it is in use.
 */
export class DataFile {
  private readonly path: string;
  private opened: BigIntStats | undefined;
  private largest = 0n;
  private found: DispatcherError | undefined;
  private isFresh = false;

  constructor(private readonly folder: string, private readonly use: FolderUse) {
    this.path = join(folder, 'data.mdb');
  }

  /** What `check` found last. */
  get problem(): DispatcherError | undefined {
    return this.found;
  }

  /**
   * Before it is mapped. A file that is missing or empty becomes a new store.
   * @throws ConfigurationError
   */
  inspect(): void {
    for (let looks = 1; ; looks++) {
      const fault = this.fault();
      if (fault === undefined) return;
      // Another process may be making it, or writing to it, at this very moment.
      if (looks === MOST_LOOKS) throw fault;
      pauseSync(LOOK_PAUSE_MS);
    }
  }

  private fault(): ConfigurationError | undefined {
    let descriptor: number;
    try {
      descriptor = openSync(this.path, 'r');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    try {
      const { size } = fstatSync(descriptor);
      if (size === 0) return undefined;
      const meta = readMeta(descriptor);
      if (meta === undefined) return this.notOurs();
      // Shorter than it says is no fault by itself: free pages at its end need never have been written.
      return size < meta.pages * meta.pageSize && !isComplete(descriptor, meta, size) ? this.cutOff(size) : undefined;
    } finally {
      closeSync(descriptor);
    }
  }

  /** It is mapped: from now on `check` compares with what is there now. */
  inUse(): void {
    this.opened = statSync(this.path, { bigint: true });
    this.largest = this.opened.size;
  }

  /** What is wrong with it, if anything. Looks once in a turn of the event loop: some microseconds. */
  check(): DispatcherError | undefined {
    if (this.isFresh) return this.found;
    this.isFresh = true;
    setImmediate(() => { this.isFresh = false; });
    return (this.found = this.look());
  }

  private look(): DispatcherError | undefined {
    let now: BigIntStats | undefined;
    try {
      now = statSync(this.path, { bigint: true, throwIfNoEntry: false });
    } catch (error) {
      return folderProblem(this.use, this.folder, error);
    }
    if (now === undefined || now.ino !== this.opened?.ino || now.dev !== this.opened.dev) return this.gone();
    if (now.size < this.largest) return this.cutOff(Number(now.size));
    this.largest = now.size;
    return undefined;
  }

  private notOurs(): ConfigurationError {
    return new ConfigurationError(
      `'${this.path}' is not a data file of the ${this.use.name}. Name another folder, or restore this one from a backup.`, { folder: this.folder });
  }

  private cutOff(size: number): ConfigurationError {
    return new ConfigurationError(
      `'${this.path}' is cut off: part of what the ${this.use.name} has written is missing from its ${size} bytes. Stop every process that uses the folder, and restore it from a backup.`,
      { folder: this.folder, bytes: size });
  }

  private gone(): DispatcherError {
    return this.use.unavailable(
      `The folder '${this.folder}' of the ${this.use.name} was deleted, moved or replaced while it was in use; nothing is accepted, because nobody would find it again. `
      + 'Put it back; or, to begin with what is there now, start the process again.', { folder: this.folder }, undefined);
  }
}

/** Opening is one step, and nothing else can be done before it is clear whether it may be. */
function pauseSync(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
