/**
 * `npm run model [-- Settle ...] [--small] [--only specs|traces] [--keep]`: the specifications of the protocols, checked by
 * TLC, with each mistake that is planted in them; then real runs are recorded, and their traces held against them. See docs/model.md.
 */
import { cpSync } from 'node:fs';
import { resolve } from 'node:path';
import { compileAll } from './compile-all.mjs';
import { ensureInstalled } from './ensure-installed.mjs';
import { ensureNodeVersion } from './ensure-node-version.mjs';
import { ensureRabbitMq } from './ensure-rabbitmq.mjs';
import { ensureTlc } from './ensure-tlc.mjs';
import { runCommand } from './run-command.mjs';
import { TestRun } from './test-leftovers.mjs';

ensureNodeVersion();
const root = resolve(import.meta.dirname, '..');
process.exitCode = await main();

async function main() {
  const installed = await ensureInstalled(root);
  if (installed !== 0) return installed;
  if (!await ensureTlc()) {
    console.error('TLC cannot be had here: nothing was checked. It needs Java and, once, Maven: apt-get install default-jre-headless maven');
    return 1;
  }
  const isWithoutTraces = process.argv.join(' ').includes('--only specs');
  if (!isWithoutTraces && !await ensureRabbitMq()) return 1;
  const built = await compileAll(root);
  if (built !== 0) return built;
  // test/ finds these by their place beside it.
  cpSync(resolve(root, 'scripts'), resolve(root, 'dist/scripts'), { recursive: true });
  const run = new TestRun();
  try {
    return await runCommand(process.execPath, [resolve(root, 'dist/test/model/run.js'), ...process.argv.slice(2)], { cwd: root, env: run.env(root), shell: false });
  } finally {
    for (const leftover of run.cleanUp()) console.error(`left behind: ${leftover}`);
  }
}
