import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { testsThatNeed } from '../../../scripts/changed-tests.mjs';
import { ImportGraph } from '../../../scripts/import-graph.mjs';
import { removeFolder, temporaryFolder } from '../../support/temporary-folder.js';

const FILES: Record<string, string> = {
  'lib/index.ts': `export * from './a.js';`,
  'lib/a.ts': `import { b } from "./deep/b.js";`,
  'lib/deep/b.ts': `import type { A } from '../a.js';`,
  'lib/alone.ts': '',
  'sample-app/main.ts': `import { Task } from 'nestjs-dispatcher';`,
  'test/starts.test.ts': `startScript('sample-app/main.ts');`,
  'test/builds.test.ts': `const SOURCES = join(process.cwd(), 'test/support/go');`,
  'test/plain.test.ts': `import('../lib/alone.js'); it('lib', () => undefined);`,
  'test/support/go/main.go': 'package main',
};
const TESTS = Object.keys(FILES).filter((file) => file.endsWith('.test.ts'));

function graph(): ImportGraph {
  const root = temporaryFolder('graph');
  onTestFinished(() => removeFolder(root));
  for (const [name, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return new ImportGraph(root, [...Object.keys(FILES), 'lib/removed.ts']);
}

it.each([
  ['through imports in circles, and what is started as a process', 'lib/deep/b.ts', ['test/starts.test.ts']],
  ['a folder that is read', 'test/support/go/main.go', ['test/builds.test.ts']],
  ['what is imported when it is needed', 'lib/alone.ts', ['test/plain.test.ts']],
  ['the test itself', 'test/plain.test.ts', ['test/plain.test.ts']],
  ['nothing', 'lib/removed.ts', []],
  ['what decides how everything is built', 'tsconfig.build.json', TESTS],
])('which tests a change concerns: %s', (_, changed, expected) => {
  expect(testsThatNeed(graph(), TESTS, [changed])).toEqual(expected);
});
