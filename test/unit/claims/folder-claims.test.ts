import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { claimStoreContract } from '../../../lib/contract-suites/index.js';
import { folderClaims } from '../../../lib/index.js';
import { removeFolder, temporaryFolder } from '../../support/temporary-folder.js';

const folders: string[] = [];
const newFolder = (): string => {
  const folder = temporaryFolder('claims');
  folders.push(folder);
  return folder;
};

afterEach(() => folders.splice(0).forEach((folder) => { removeFolder(folder); }));

claimStoreContract({ describe, it, expect }, 'of a folder', async () => Promise.resolve(folderClaims(join(newFolder(), 'not', 'there', 'yet'))));

describe('a folder of claims', () => {
  const KEY = '2026-01-01/6f9b2c1e-0000-4000-8000-000000000001';
  const FOREVER = new Date(Date.now() + 86_400_000);

  it('reads and removes nothing outside of it, whatever a message says', async () => {
    const folder = newFolder();
    await writeFile(join(folder, 'secret'), 'x');
    const store = folderClaims(join(folder, 'claims'));
    for (const key of ['../secret', '2026-01-01/../../secret', '/etc/passwd', '', '2026-01-01/6f9b2c1e-0000-4000-8000-00000000000A', `${KEY}\u0000`]) {
      await expect(store.get(key, 100)).rejects.toThrow('A key of a claim is a day and a uuid');
      await expect(store.put(key, Buffer.from('y'))).rejects.toThrow('A key of a claim');
      await expect(store.delete(key)).rejects.toThrow('A key of a claim');
    }
  });

  it('leaves what is not its own, counts no draft of a process that died, and removes empty days', async () => {
    const folder = newFolder();
    const store = folderClaims(folder);
    await store.put(KEY, Buffer.from('x'));
    await writeFile(join(folder, '2026-01-01', '.draft-of-somebody'), 'half');
    await mkdir(join(folder, 'other'));
    await writeFile(join(folder, 'other', 'file'), 'kept');
    expect(await store.sweep(FOREVER)).toBe(1);
    expect((await readdir(folder)).sort()).toEqual(['.claims', 'other']);
    expect(await readdir(join(folder, 'other'))).toEqual(['file']);
  });

  it('that is not mounted has lost nothing: it cannot be asked now, and is asked again', async () => {
    const folder = join(newFolder(), 'claims');
    const store = folderClaims(folder);
    await store.put(KEY, Buffer.from('x'));
    await rename(folder, `${folder}.elsewhere`);
    await expect(store.get(KEY, 100)).rejects.toThrow('is no folder of claims now');
    await mkdir(folder);
    await expect(store.get(KEY, 100)).rejects.toThrow('Is the disk mounted');
    await rm(folder, { recursive: true });
    await rename(`${folder}.elsewhere`, folder);
    expect((await store.get(KEY, 100))?.toString()).toBe('x');
  });

  it('takes bodies while others sweep it empty', async () => {
    const store = folderClaims(newFolder());
    const keys = Array.from({ length: 50 }, (_, index) => `2026-01-03/6f9b2c1e-0000-4000-8000-${String(index).padStart(12, '0')}`);
    const results = await Promise.allSettled(keys.flatMap((key) => [store.put(key, Buffer.from(key)), store.sweep(new Date(0))]));
    expect(results.filter(({ status }) => status === 'rejected')).toEqual([]);
    for (const key of keys) expect((await store.get(key, 100))?.toString()).toBe(key);
  });

  it('says what the disk says, and leaves no draft', async () => {
    const folder = newFolder();
    await writeFile(join(folder, '2026-01-01'), 'a file where the folder of the day should be');
    await expect(folderClaims(folder).put(KEY, Buffer.from('x'))).rejects.toThrow(/EEXIST|ENOTDIR/);
    expect(await readdir(folder)).toEqual(['2026-01-01']);
  });

  it.each([undefined, '', 5])('needs a path; %s is none', (folder) => expect(() => folderClaims(folder as string)).toThrow('folderClaims needs the path of a folder'));
});
