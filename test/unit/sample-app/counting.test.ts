import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { countWordsInFile } from '../../../sample-app/src/counting/count-words-in-file.js';
import { findTextFiles } from '../../../sample-app/src/counting/find-text-files.js';
import { removeFolder, temporaryFolder } from '../../support/temporary-folder.js';

let folder: string;
beforeEach(() => { folder = temporaryFolder('counting'); });
afterEach(() => removeFolder(folder));

function write(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

describe('counting the words of a file', () => {
  it.each([
    ['', 0, 0],
    ['one', 1, 0],
    ['  one\ttwo\n\nthree  \n', 3, 3],
    ['größe – 字 \r\n', 3, 1],
  ])('counts %j as wc does', async (content, words, lines) => {
    expect(await countWordsInFile(write('file.txt', content))).toEqual({ words, lines, bytes: Buffer.byteLength(content) });
  });

  it('counts a word once that lies across the border between two pieces', async () => {
    // 64 KiB is what a read stream takes at a time; letters of two bytes move the border about.
    for (const offset of [65_533, 65_534, 65_535, 65_536, 65_537]) {
      const path = write('large.txt', `${'ä '.repeat(Math.floor(offset / 3))}${'y'.repeat(100)} end`);
      expect((await countWordsInFile(path)).words).toBe(Math.floor(offset / 3) + 2);
    }
  });

  it('stops when its signal says so', async () => {
    const path = write('file.txt', 'one');
    await expect(countWordsInFile(path, AbortSignal.abort())).rejects.toThrow(/abort/i);
  });
});

describe('finding text files', () => {
  it('finds them at every depth, and leaves out binary files, node_modules, .git and links', async () => {
    for (const name of ['deep/deeper', 'node_modules/x', '.git']) mkdirSync(join(folder, name), { recursive: true });
    const texts = [write('b.txt', 'b'), write('deep/deeper/a.ts', 'a'), write('empty', '')];
    write('node_modules/x/index.js', 'x');
    write('.git/HEAD', 'ref');
    write('picture.png', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 1]));
    symlinkSync(folder, join(folder, 'circle'));
    const found = await findTextFiles([folder]);
    expect(found.texts.sort()).toEqual(texts.sort());
    expect(found).toMatchObject({ binaries: 1, problems: [] });
  });

  it('takes single files, and reports what it cannot look at', async () => {
    const path = write('one.txt', 'one');
    const missing = join(folder, 'missing');
    const found = await findTextFiles([path, missing]);
    expect(found.texts).toEqual([path]);
    expect(found.problems).toEqual([{ path: missing, problem: expect.stringContaining('ENOENT') as string }]);
  });
});
