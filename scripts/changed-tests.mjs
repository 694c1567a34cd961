import { execFileSync } from 'node:child_process';
import { ImportGraph } from './import-graph.mjs';

/** What decides how everything is built and tested. */
const CONCERNS_ALL = /^(package(-lock)?\.json|tsconfig.*\.json|nest-cli\.json|vitest\.config\.mts|test\/support\/(leak-guard|global-[\w-]+)\.ts)$/;

/**
 * The test files of these projects that need, directly or by way of others, a file that was changed since `base`, in
 * commits or in the working tree.
 *
 * @param {string} root
 * @param {string[]} projects
 * @param {string | undefined} base any name of a commit. Default: where this branch left `main`; on `main` itself what is not
 *   committed, or else the last commit
 * @returns {{ base: string, changed: string[], tests: string[], all: number }}
 */
export function changedTests(root, projects, base = defaultBase(root)) {
  const untracked = git(root, 'ls-files', '--others', '--exclude-standard');
  const changed = [...new Set([...git(root, 'diff', '--name-only', base), ...untracked])];
  const graph = new ImportGraph(root);
  const all = graph.files.filter((file) => file.endsWith('.test.ts') && projects.some((project) => file.startsWith(`test/${project}/`)));
  return { base, changed, tests: testsThatNeed(graph, all, changed), all: all.length };
}

/**
 * @param {{ reach(file: string): Set<string> }} graph
 * @param {string[]} tests
 * @param {string[]} changed
 */
export function testsThatNeed(graph, tests, changed) {
  if (changed.some((file) => CONCERNS_ALL.test(file))) return tests;
  return tests.filter((test) => {
    const needed = graph.reach(test);
    return changed.some((file) => needed.has(file));
  });
}

function defaultBase(root) {
  for (const main of ['main', 'origin/main']) {
    try {
      const [left] = git(root, 'merge-base', 'HEAD', main);
      return left === git(root, 'rev-parse', 'HEAD')[0] ? lastWork(root) : left;
    } catch {
      // There is none of this name.
    }
  }
  return lastWork(root);
}

function lastWork(root) {
  return git(root, 'status', '--porcelain').length > 0 ? 'HEAD' : 'HEAD~1';
}

function git(root, ...args) {
  return execFileSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 100_000_000, stdio: ['ignore', 'pipe', 'ignore'] }).split('\n').filter((line) => line !== '');
}
