import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { keepFolder } from '../../../scripts/keep-folder.mjs';
import { removeFolder, temporaryFolder } from '../../support/temporary-folder.js';

let place: string;
beforeEach(() => { place = temporaryFolder('keep'); });
afterEach(() => { removeFolder(place); });

function made(name: string, by: string): string {
  const folder = join(place, name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'by'), by);
  return folder;
}

it('keeps what was made first, for all who made it at once', () => {
  const kept = join(place, 'kept');
  keepFolder(made('a', 'first'), kept);
  keepFolder(made('b', 'second'), kept);
  expect(readFileSync(join(kept, 'by'), 'utf8')).toBe('first');
  expect([join(place, 'a'), join(place, 'b')].map((folder) => existsSync(folder))).toEqual([false, false]);
});

it('says what is wrong where nothing is kept after all', () => {
  expect(() => keepFolder(made('a', 'first'), join(place, 'none', 'kept'))).toThrow('ENOENT');
  expect(existsSync(join(place, 'a'))).toBe(false);
});
