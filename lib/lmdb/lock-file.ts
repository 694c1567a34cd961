import { closeSync, linkSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { diskFull, freeBytes, type FolderUse } from './folder-problem.js';

/** Room for 512 readers and more. */
const BYTES = 64 * 1024;
const DISK_BLOCK = 512;

/**
 * The driver maps its lock file into memory, and makes it with a hole in it: on a full disk touching
 * the hole ends the process (SIGBUS). So it is there in full before the driver opens it.
 * @throws what says that the disk is full
 */
export function prepareLockFile(folder: string, use: FolderUse): void {
  const path = join(folder, 'lock.mdb');
  const present = statSync(path, { throwIfNoEntry: false });
  if (present === undefined) return makeLockFile(path);
  // On Windows the number of blocks is not told.
  if (present.blocks === undefined || present.blocks * DISK_BLOCK >= present.size) return;
  if ((freeBytes(folder) ?? Infinity) < present.size) throw diskFull(use, folder, new Error(`no room for the ${present.size} bytes of '${path}'`));
}

/** Put in place as a whole, and only where there is none: another process may be making it too. */
function makeLockFile(path: string): void {
  const unfinished = `${path}.${process.pid}.new`;
  try {
    const descriptor = openSync(unfinished, 'w', 0o664);
    try {
      writeSync(descriptor, Buffer.alloc(BYTES));
    } finally {
      closeSync(descriptor);
    }
    linkSync(unfinished, path);
  } catch (error) {
    if (!NO_MATTER.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    rmSync(unfinished, { force: true });
  }
}

/** It is there by now; or the file system has no links, and the driver makes the file. */
const NO_MATTER = new Set(['EEXIST', 'EPERM', 'ENOTSUP', 'ENOSYS', 'EOPNOTSUPP', 'EMLINK']);
