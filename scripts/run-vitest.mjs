import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './run-command.mjs';
import { readReport } from './test-report.mjs';

/**
 * Runs tests of these projects, and reads what they came to.
 *
 * @param {{ root: string, env: NodeJS.ProcessEnv, run: import('./test-leftovers.mjs').TestRun, timeoutMs?: number }} where
 * @param {string[]} filters files and options of vitest
 * @returns {Promise<ReturnType<typeof readReport>>}
 */
export async function runVitest({ root, env, run, timeoutMs }, projects, filters) {
  const report = join(run.folder, 'report.json');
  const selection = projects.flatMap((project) => ['--project', project]);
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const code = await runCommand(process.execPath, [vitest, 'run', ...selection, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...filters],
    { cwd: root, env, shell: false, timeout: timeoutMs, killSignal: 'SIGKILL' });
  const outcome = readReport(report, root);
  rmSync(report, { force: true });
  // An unhandled rejection fails the run but no test.
  if (code !== 0 && outcome.failures.length === 0) outcome.failures.push(`the tests: vitest ended with exit code ${code}, its own words are above`);
  return outcome;
}
