import { closeSync, mkdirSync, openSync, rmSync, statSync, utimesSync, watch, write, type FSWatcher } from 'node:fs';
import { join } from 'node:path';
import { clock } from '../../../time/clock.js';

const FOLDER = 'wake';
const BYTE = Buffer.from('.');

/**
 * How processes on one folder wake each other: each watches a file of its own, and whoever has
 * something for it writes there. The system reports it within a millisecond, and idle costs nothing.
 * Only a hint: where watching does not work, the store's slow poll finds the messages.
 *
 * The file's time is also the sign of life for those who cannot see this process by its number.
 */
export class WakeFiles {
  private readonly folder: string;
  private readonly others = new Map<number, OtherFile>();
  private watcher: FSWatcher | undefined;
  private own: string | undefined;

  constructor(
    folder: string,
    private readonly onWake: () => void,
    private readonly warn: (message: string) => void,
  ) {
    this.folder = join(folder, FOLDER);
    mkdirSync(this.folder, { recursive: true });
  }

  /** Watches as this owner from now on, and no longer as the one before. */
  watchAs(owner: number): void {
    this.unwatch();
    this.own = this.fileOf(owner);
    try {
      closeSync(openSync(this.own, 'a'));
      this.watcher = watch(this.own, { persistent: false }, this.onWake);
      this.watcher.on('error', (error) => this.cannotWatch(error));
    } catch (error) {
      this.cannotWatch(error as Error);
    }
  }

  wake(owner: number): void {
    let other = this.others.get(owner);
    if (other === undefined) this.others.set(owner, (other = new OtherFile(this.fileOf(owner))));
    other.touch();
  }

  signOfLife(): void {
    if (this.own === undefined) return;
    const now = clock.date();
    // Somebody may have cleaned up in the folder; the next start makes it anew.
    quietly(() => utimesSync(this.own as string, now, now));
  }

  /** Milliseconds since 1970; `undefined` when it left no sign. */
  lastSignOfLife(owner: number): number | undefined {
    return quietly(() => statSync(this.fileOf(owner)).mtimeMs);
  }

  /** Forgets everybody but these. */
  keepOnly(owners: { has(owner: number): boolean }): void {
    for (const [owner, other] of this.others) {
      if (owners.has(owner)) continue;
      other.close();
      this.others.delete(owner);
    }
  }

  /** Cleans up behind a process that can do so no more. */
  remove(owner: number): void {
    quietly(() => rmSync(this.fileOf(owner), { force: true }));
  }

  close(): void {
    this.unwatch();
    for (const other of this.others.values()) other.close();
    this.others.clear();
  }

  private unwatch(): void {
    this.watcher?.close();
    this.watcher = undefined;
    const { own } = this;
    this.own = undefined;
    if (own !== undefined) quietly(() => rmSync(own, { force: true }));
  }

  private cannotWatch(error: Error): void {
    this.watcher?.close();
    this.watcher = undefined;
    this.warn(`Watching '${this.own}' does not work (${error.message}): messages of other processes are found up to half a second later.`);
  }

  private fileOf(owner: number): string {
    return join(this.folder, String(owner));
  }
}

/** Another process's file. One write at a time: one more while it is under way says nothing new. */
class OtherFile {
  private descriptor: number | undefined;
  private writing = false;
  private again = false;
  private closed = false;

  constructor(private readonly path: string) {}

  touch(): void {
    if (this.writing) {
      this.again = true;
      return;
    }
    // It has gone meanwhile: nobody to wake.
    this.descriptor ??= quietly(() => openSync(this.path, 'r+'));
    if (this.descriptor === undefined) return;
    this.writing = true;
    write(this.descriptor, BYTE, 0, 1, 0, () => this.written());
  }

  close(): void {
    this.closed = true;
    if (!this.writing) this.release();
  }

  private written(): void {
    this.writing = false;
    if (this.closed) return this.release();
    if (!this.again) return;
    this.again = false;
    this.touch();
  }

  private release(): void {
    const { descriptor } = this;
    this.descriptor = undefined;
    if (descriptor !== undefined) quietly(() => closeSync(descriptor));
  }
}

function quietly<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
