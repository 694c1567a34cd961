import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ConfigurationError, TaskTooLargeError } from '../errors.js';
import { display } from '../task/argument-types.js';
import { CLAIM_KEY, type ClaimStore } from './claim-store.js';

const DRAFT = '.draft-';

/** Says that this is a folder of claims: one that is not there, or another that is in its place, has lost nothing. */
const MARK = '.claims';

/**
 * Bodies as files of a folder that all processes reach: a disk of this machine, or a network file system whose renames are
 * whole. A file is there whole or not at all, whatever dies.
 *
 * @param folder made where it is missing; a relative one belongs to the working folder of the process
 * @throws ConfigurationError
 * @publicApi
 */
export function folderClaims(folder: string): ClaimStore {
  if (typeof folder !== 'string' || folder === '') throw new ConfigurationError(`folderClaims needs the path of a folder, folderClaims('./claims'); found ${display(folder)}.`, { option: 'claimCheck.store' });
  return new FolderClaims(resolve(folder));
}

class FolderClaims implements ClaimStore {
  /** Of which it is known that its name is on the disk. */
  private flushedDay = '';

  constructor(private readonly folder: string) {}

  async put(key: string, body: Buffer): Promise<void> {
    const path = this.pathOf(key);
    try {
      await this.putOnce(path, body);
    } catch (error) {
      // A sweep has removed the folder of the day while it was empty.
      if (!isMissing(error)) throw error;
      await this.putOnce(path, body);
    }
  }

  private async putOnce(path: string, body: Buffer): Promise<void> {
    const day = dirname(path);
    const made = await mkdir(day, { recursive: true });
    const draft = join(day, `${DRAFT}${randomUUID()}`);
    try {
      await written(draft, body);
      await rename(draft, path);
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
    await flushed(day);
    if (made === undefined && this.flushedDay === day) return;
    await writeFile(join(this.folder, MARK), '');
    await flushed(this.folder);
    if (made !== undefined && made !== day) await flushed(dirname(made));
    this.flushedDay = day;
  }

  async get(key: string, maxBytes: number): Promise<Buffer | undefined> {
    let file: FileHandle;
    try {
      file = await open(this.pathOf(key));
    } catch (error) {
      if (!isMissing(error)) throw error;
      await this.requireFolder();
      return undefined;
    }
    try {
      const { size } = await file.stat();
      if (size > maxBytes) throw new TaskTooLargeError(`The body in the claim store has ${size} bytes; at most ${maxBytes} are taken (maxTaskBytes).`, { key, bytes: size, maxTaskBytes: maxBytes });
      return await file.readFile();
    } finally {
      await file.close();
    }
  }

  async delete(key: string): Promise<void> {
    await rm(this.pathOf(key), { force: true });
  }

  async sweep(before: Date): Promise<number> {
    let removed = 0;
    for (const day of await entriesOf(this.folder)) {
      if (!/^\d{4}-\d{2}-\d{2}$/.test(day)) continue;
      const folder = join(this.folder, day);
      for (const name of await entriesOf(folder)) if (await removedBefore(join(folder, name), before) && !name.startsWith(DRAFT)) removed++;
      // Of one that is not empty, or is being written to, nothing is lost.
      await rmdir(folder).catch(() => undefined);
    }
    return removed;
  }

  /** What is not mounted just now has not lost a body. */
  private async requireFolder(): Promise<void> {
    try {
      await stat(join(this.folder, MARK));
    } catch (error) {
      if (!isMissing(error)) throw error;
      throw new Error(`${this.folder} is no folder of claims now: the file "${MARK}" is not in it. Is the disk mounted, and do all processes name the same folder? Until then tasks wait.`);
    }
  }

  /** Keys stand in messages that anybody may have written. */
  private pathOf(key: string): string {
    if (!CLAIM_KEY.test(key)) throw new ConfigurationError(`A key of a claim is a day and a uuid; found ${display(key)}.`, { key });
    return join(this.folder, key);
  }
}

async function written(path: string, body: Buffer): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(body);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The name of a file is on the disk only with its folder. Windows has no such thing. */
async function flushed(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function removedBefore(path: string, before: Date): Promise<boolean> {
  try {
    if ((await stat(path)).mtime >= before) return false;
    await rm(path);
    return true;
  } catch (error) {
    // Another process sweeps too.
    if (isMissing(error)) return false;
    throw error;
  }
}

async function entriesOf(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
