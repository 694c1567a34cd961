import { statfsSync } from 'node:fs';
import { ConfigurationError, type DispatcherError } from '../errors.js';

type MakeError = (message: string, fields: Readonly<Record<string, unknown>>, cause: unknown) => DispatcherError;

/** Whose folder it is: how texts name it, and the errors that its callers know. */
export interface FolderUse {
  /** 'embedded broker', for one. */
  readonly name: string;
  /** Nothing can be written now; reading may go on. */
  readonly full: MakeError;
  /** The folder cannot be used now. */
  readonly unavailable: MakeError;
}

const NOT_WRITABLE = new Set(['EACCES', 'EPERM', 'EROFS', 13, 1, 30]);
const NOT_A_FOLDER = new Set(['ENOTDIR', 'EEXIST', 20, 17]);
/** The system's ENOSPC and EDQUOT, and the driver's MDB_MAP_FULL, which says that the map can grow no more. */
const DISK_FULL = new Set(['ENOSPC', 'EDQUOT', 28, 122, -30792]);
/** A write that ended half-way, as one does on a full disk; and the driver's MDB_BAD_TXN, for a transaction in which that happened before its end. */
const CUT_SHORT = new Set<string | number>(['EIO', 5, -30782]);
/** Less than this is as good as full: a transaction has to fit. */
const FULL_BELOW_BYTES = 8 * 1024 * 1024;
/** MDB_CORRUPTED, MDB_PAGE_NOTFOUND, MDB_VERSION_MISMATCH, MDB_INVALID. */
const UNREADABLE = new Set([-30796, -30797, -30794, -30793]);
const TEXTS: readonly (readonly [RegExp, number])[] = [
  [/permission denied|operation not permitted|read-only file system/i, 13],
  [/not a directory/i, 20],
  [/no space left|quota exceeded|MDB_MAP_FULL/i, 28],
  [/input\/output error|MDB_BAD_TXN/i, 5],
  [/not an lmdb file|version mismatch|corrupted|MDB_INVALID|MDB_PAGE_NOTFOUND/i, -30793],
];

/** What is wrong with a folder, in words that say what to do. */
export function folderProblem(use: FolderUse, folder: string, cause: unknown): DispatcherError {
  const code = codeOf(cause);
  const fields = { folder };
  const found = textOf(cause);
  if (NOT_WRITABLE.has(code)) {
    return new ConfigurationError(
      `The ${use.name} may not write to '${folder}' (${found}). Give this user the right to read and write there, or name another folder.`, fields, cause);
  }
  if (NOT_A_FOLDER.has(code)) {
    return new ConfigurationError(
      `'${folder}' is not a folder: a file stands in its place or on the way to it. The ${use.name} needs a folder of its own: name another, or move the file away.`, fields, cause);
  }
  if (DISK_FULL.has(code) || (CUT_SHORT.has(code) && isFull(folder))) return diskFull(use, folder, cause);
  if (UNREADABLE.has(code as number)) {
    return new ConfigurationError(
      `The data in '${folder}' cannot be read as that of the ${use.name} (${found}). Name another folder, or restore this one from a backup.`, fields, cause);
  }
  return use.unavailable(`The ${use.name} cannot use its folder '${folder}': ${found}. Mend the cause, then try again.`, fields, cause);
}

export function diskFull(use: FolderUse, folder: string, cause: unknown): DispatcherError {
  return use.full(
    `The disk of the folder '${folder}' of the ${use.name} is full (${textOf(cause)}). Nothing that was accepted is lost; free some space, and it goes on.`, { folder }, cause);
}

function isFull(folder: string): boolean {
  const free = freeBytes(folder);
  return free !== undefined && free < FULL_BELOW_BYTES;
}

/** What this user may still write there; `undefined` where the system does not tell. */
export function freeBytes(folder: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return undefined;
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
