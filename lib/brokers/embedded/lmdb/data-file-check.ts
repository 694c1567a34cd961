import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigurationError } from '../../../errors.js';

/** LMDB's own mark, behind the head of the first page, in the machine's byte order. */
const MAGIC = 0xbeefc0de;
const MAGIC_AT = 24;

/**
 * Refuses a data file that is none: the driver crashes the whole process on one.
 * @throws ConfigurationError
 */
export function checkDataFile(folder: string): void {
  const head = readHead(join(folder, 'data.mdb'));
  if (head.length === 0) return;
  if (head.length === MAGIC_AT + 4 && (head.readUInt32LE(MAGIC_AT) === MAGIC || head.readUInt32BE(MAGIC_AT) === MAGIC)) return;
  throw new ConfigurationError(
    `'${join(folder, 'data.mdb')}' is not a data file of an embedded broker. Name another folder, or restore this one from a backup.`, { folder });
}

/** Empty when there is no file, or an empty one: both become a new store. */
function readHead(file: string): Buffer {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
  try {
    const head = Buffer.alloc(MAGIC_AT + 4);
    return head.subarray(0, readSync(descriptor, head, 0, head.length, 0));
  } finally {
    closeSync(descriptor);
  }
}
