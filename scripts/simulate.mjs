/**
 * `npm run simulate -- --seed 1 --steps 10000000`: processes of ours, a broker and a store, all of them in one process, on a
 * virtual clock, from one seed. See docs/testing.md.
 */
import { resolve } from 'node:path';
import { compileAll } from './compile-all.mjs';
import { ensureInstalled } from './ensure-installed.mjs';
import { ensureNodeVersion } from './ensure-node-version.mjs';
import { runCommand } from './run-command.mjs';

ensureNodeVersion();
const root = resolve(import.meta.dirname, '..');
process.exitCode = await main();

async function main() {
  const installed = await ensureInstalled(root);
  if (installed !== 0) return installed;
  const built = await compileAll(root);
  if (built !== 0) return built;
  return runCommand(process.execPath, [resolve(root, 'dist/test/simulation/run.js'), ...process.argv.slice(2)], { cwd: root, shell: false });
}
