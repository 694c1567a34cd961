import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { knownDurations, longestFirst, recordDurations } from '../../../scripts/test-durations.mjs';
import { onTestFinished } from '../../support/test-end.js';
import { removeFolder, temporaryFolder } from '../../support/temporary-folder.js';

it('lets the longest begin first, those of one length as they came, and those that nobody knows with the short ones', () => {
  const durations = { long: 100, longer: 200, same: 100, short: 1 };
  expect(longestFirst(['short', 'new', 'long', 'same', 'longer'], (path) => path, durations)).toEqual(['longer', 'long', 'same', 'new', 'short']);
});

it('keeps of a run what took its time, the longest first', () => {
  const root = temporaryFolder('durations');
  onTestFinished(() => removeFolder(root));
  mkdirSync(join(root, 'test'));
  writeFileSync(join(root, 'test/durations.json'), '{"gone":50}');
  recordDurations(root, { b: 20.4, 'short': 3, a: 20.3, c: 99.6 });
  expect(readFileSync(join(root, 'test/durations.json'), 'utf8')).toBe('{\n  "c": 100,\n  "a": 20,\n  "b": 20\n}\n');
  expect(knownDurations(root)).toEqual({ a: 20, b: 20, c: 100 });
});
