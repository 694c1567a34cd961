import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './run-command.mjs';

/**
 * Installs the dependencies where they are missing or are not those of package-lock.json.
 *
 * @returns {Promise<number>} 0, or npm's exit code
 */
export async function ensureInstalled(root) {
  const reason = whyInstall(root);
  if (reason === undefined) return 0;
  console.error(`Installing the dependencies (npm ci), because ${reason} ...`);
  // --include=dev: with NODE_ENV=production npm would leave out the compiler and the sample app's own needs.
  const code = await runCommand('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: root });
  if (code !== 0) console.error(`npm ci failed with exit code ${code}; its own words are above. A network that reaches the npm registry is needed once.`);
  return code;
}

/** npm writes what it has installed into node_modules/.package-lock.json; it is compared with what should be there. */
function whyInstall(root) {
  const installed = readLock(join(root, 'node_modules/.package-lock.json'));
  if (installed === undefined) return 'node_modules is missing or incomplete';
  const wanted = readLock(join(root, 'package-lock.json')) ?? {};
  for (const [path, entry] of Object.entries(wanted)) {
    // Optional ones are for other platforms, mostly.
    if (path === '' || entry.optional || entry.devOptional || entry.link) continue;
    const found = installed[path]?.version;
    if (found !== entry.version) return `${path} should be ${entry.version} and is ${found ?? 'missing'}`;
  }
  return undefined;
}

function readLock(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}
