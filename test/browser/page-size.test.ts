import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { BUILT_PAGE } from '../support/dashboard-app.js';

const files = readdirSync(BUILT_PAGE, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));

it('the page takes at most 250 KiB, compressed', () => {
  const sizes = files.map((file) => gzipSync(readFileSync(file)).length);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(250 * 1024);
});

it('the page has hashes in the names of its files, nothing inline, and no address of another host', () => {
  const names = files.map((file) => file.slice(BUILT_PAGE.length + 1));
  expect(names.filter((name) => name !== 'index.html' && !/^assets\/[\w-]+-[\w-]{8}\.(js|css|svg)$/.test(name))).toEqual([]);
  const html = readFileSync(join(BUILT_PAGE, 'index.html'), 'utf8');
  expect(html).not.toMatch(/<style|style=|<script(?![^>]*src=)|\son\w+=/i);
  for (const [, address] of html.matchAll(/(?:src|href)="([^"]*)"/g)) expect(address).toMatch(/^\.\/assets\//);
});
