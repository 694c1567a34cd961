import { once } from 'node:events';
import { closeSync, openSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BrokerUnavailableError, ConfigurationError } from '../../../lib/errors.js';
import { DataFile } from '../../../lib/lmdb/data-file.js';
import { isComplete, readMeta } from '../../../lib/lmdb/data-pages.js';
import type { FolderUse } from '../../../lib/lmdb/folder-problem.js';
import { LmdbFolder } from '../../../lib/lmdb/lmdb-folder.js';
import { removeFolder, temporaryFolder } from '../../support/temporary-folder.js';

const use: FolderUse = {
  name: 'test', full: (message) => new BrokerUnavailableError(message), unavailable: (message) => new BrokerUnavailableError(message),
};
const marker = { name: 'test', file: 'test.json', kind: 'test', format: 1, tolerated: [] };

describe('a data file', () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = temporaryFolder('data-file');
    path = join(folder, 'data.mdb');
  });
  afterEach(() => removeFolder(folder));

  async function written(write: (tables: LmdbFolder<'a' | 'b'>['tables']) => void): Promise<void> {
    const lmdb = new LmdbFolder({ folder, use, marker, tables: ['a', 'b'] });
    await lmdb.transaction(() => write(lmdb.tables));
    await lmdb.close();
  }

  function writeMuch(): Promise<void> {
    return written(({ a, b }) => {
      for (let index = 0; index < 20_000; index++) void a.put(Buffer.from(`key ${index}`), Buffer.alloc(index % 200, 'v'));
      for (let index = 0; index < 20; index++) void b.put(Buffer.from(`large ${index}`), Buffer.alloc(100_000, 'v'));
    });
  }

  const inspect = (): void => new DataFile(folder, use).inspect();

  function completeAt(size: number): boolean {
    const file = openSync(path, 'r');
    try {
      return isComplete(file, readMeta(file)!, size);
    } finally {
      closeSync(file);
    }
  }

  it('is complete with all its trees and large values, and without its last page is not', async () => {
    await writeMuch();
    inspect();
    const { size } = statSync(path);
    expect(completeAt(size)).toBe(true);
    expect(completeAt(size - 4096)).toBe(false);
    expect(completeAt(size / 2)).toBe(false);
  });

  it('is looked at again where another process is still writing it', async () => {
    await writeMuch();
    const whole = readFileSync(path);
    truncateSync(path, whole.length / 2);
    expect(inspect).toThrow(/is cut off/);
    const writer = new Worker("const { workerData } = require('node:worker_threads'); setTimeout(() => require('node:fs').writeFileSync(workerData.path, workerData.whole), 40)", { eval: true, workerData: { path, whole } });
    await once(writer, 'online');
    expect(inspect).not.toThrow();
    await writer.terminate();
  });

  it.each([0.05, 0.5, 0.9, 0.999])('is refused when %d of it is there', async (part) => {
    await writeMuch();
    truncateSync(path, Math.floor(statSync(path).size * part));
    expect(inspect).toThrow(ConfigurationError);
    expect(inspect).toThrow(/is cut off/);
  });

  it('may be shorter than it says when only free pages are missing', async () => {
    await written(({ a }) => {
      void a.put(Buffer.from('first'), Buffer.alloc(10));
      for (let index = 0; index < 50; index++) void a.put(Buffer.from(`large ${index}`), Buffer.alloc(100_000));
    });
    await written(({ a }) => { for (let index = 0; index < 50; index++) void a.remove(Buffer.from(`large ${index}`)); });
    // Some more, so that the newest state has nothing at the end of the file.
    for (let round = 0; round < 6; round++) await written(({ a }) => void a.put(Buffer.from('second'), Buffer.alloc(10)));
    const { size } = statSync(path);
    let used = size;
    while (completeAt(used - 4096)) used -= 4096;
    expect(used).toBeLessThan(size);
    truncateSync(path, used);
    inspect();
    const lmdb = new LmdbFolder({ folder, use, marker, tables: ['a', 'b'] });
    expect(lmdb.tables.a.getBinary(Buffer.from('first'))).toHaveLength(10);
    await lmdb.transaction(() => void lmdb.tables.a.put(Buffer.from('large'), Buffer.alloc(3_000_000)));
    expect(lmdb.tables.a.getBinary(Buffer.from('large'))).toHaveLength(3_000_000);
    await lmdb.close();
  });
});

describe('an LMDB folder', () => {
  let folder: string;
  beforeEach(() => { folder = temporaryFolder('lmdb-folder'); });
  afterEach(() => removeFolder(folder));

  it('makes its lock file whole, because a hole in it ends the process on a full disk', async () => {
    const lmdb = new LmdbFolder({ folder, use, marker, tables: ['a'] });
    const { size, blocks } = statSync(join(folder, 'lock.mdb'));
    expect(blocks * 512).toBeGreaterThanOrEqual(size);
    await lmdb.close();
  });

  it('rejects with what the work has thrown, and writes the rest of the turn', async () => {
    const lmdb = new LmdbFolder({ folder, use, marker, tables: ['a'] });
    const outcomes = await Promise.allSettled([
      lmdb.transaction(() => void lmdb.tables.a.put(Buffer.from('k'), Buffer.from('v'))),
      lmdb.transaction(() => { throw new ConfigurationError('no'); }),
    ]);
    expect(outcomes).toMatchObject([{ status: 'fulfilled' }, { status: 'rejected', reason: { message: 'no' } }]);
    expect(lmdb.tables.a.getBinary(Buffer.from('k'))?.toString()).toBe('v');
    await lmdb.close();
  });
});
