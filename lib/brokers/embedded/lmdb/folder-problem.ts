import { statfsSync } from 'node:fs';
import { BrokerUnavailableError, ConfigurationError, type DispatcherError } from '../../../errors.js';

const NOT_WRITABLE = new Set(['EACCES', 'EPERM', 'EROFS', 13, 1, 30]);
const NOT_A_FOLDER = new Set(['ENOTDIR', 'EEXIST', 20, 17]);
const DISK_FULL = new Set(['ENOSPC', 'EDQUOT', 28, 122]);
/** The driver's word for a write that ended half-way, as one does on a full disk. */
const INPUT_OUTPUT = 5;
/** Less than this is as good as full: a transaction has to fit. */
const FULL_BELOW_BYTES = 8 * 1024 * 1024;
/** MDB_CORRUPTED, MDB_PANIC, MDB_VERSION_MISMATCH, MDB_INVALID. */
const UNREADABLE = new Set([-30796, -30795, -30794, -30793]);
const TEXTS: readonly (readonly [RegExp, number])[] = [
  [/permission denied|operation not permitted|read-only file system/i, 13],
  [/not a directory/i, 20],
  [/no space left|quota exceeded/i, 28],
  [/not an lmdb file|version mismatch|corrupted/i, -30793],
];

/** What is wrong with the folder of a durable broker, in words that say what to do. */
export function folderProblem(folder: string, cause: unknown): DispatcherError {
  const code = codeOf(cause);
  const fields = { folder };
  if (NOT_WRITABLE.has(code)) {
    return new ConfigurationError(
      `The embedded broker may not write to '${folder}' (${textOf(cause)}). Give this user the right to read and write there, or name another folder.`, fields, cause);
  }
  if (NOT_A_FOLDER.has(code)) {
    return new ConfigurationError(
      `'${folder}' is not a folder: a file stands in its place or on the way to it. The embedded broker needs a folder of its own: name another, or move the file away.`, fields, cause);
  }
  if (DISK_FULL.has(code) || (code === INPUT_OUTPUT && isFull(folder))) {
    return new BrokerUnavailableError(
      `The disk of the embedded broker's folder '${folder}' is full (${textOf(cause)}). Nothing that was accepted is lost; free some space, and it goes on.`, fields, cause);
  }
  if (UNREADABLE.has(code as number)) {
    return new ConfigurationError(
      `The data in '${folder}' cannot be read as an embedded broker's (${textOf(cause)}). Name another folder, or restore this one from a backup.`, fields, cause);
  }
  return new BrokerUnavailableError(`The embedded broker cannot use its folder '${folder}': ${textOf(cause)}. Mend the cause, then try again.`, fields, cause);
}

function isFull(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize < FULL_BELOW_BYTES;
  } catch {
    return false;
  }
}

function codeOf(cause: unknown): string | number {
  const code = (cause as { code?: unknown } | undefined)?.code;
  if (typeof code === 'string' || (typeof code === 'number' && code !== 0)) return code;
  const text = textOf(cause);
  return TEXTS.find(([pattern]) => pattern.test(text))?.[1] ?? 0;
}

function textOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
