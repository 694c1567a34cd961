import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { buildPage } from './build-page.mjs';
import { runCommand } from './run-command.mjs';

const SOURCES = ['lib', 'sample-app', 'dashboard', 'package.json', 'tsconfig.json', 'tsconfig.build.json', 'nest-cli.json'];
/** The compiler writes these among the last; a build that was broken off lacks them or has them old. */
const OUTPUTS = ['dist/lib/index.js', 'dist/sample-app/src/main.js', 'dist/lib/dashboard/ui/index.html'];

/**
 * Builds where dist is missing or older than the sources.
 *
 * @returns {Promise<number>} 0, or the build's exit code
 */
export async function ensureBuilt(root) {
  if (!isBuildNeeded(root)) return 0;
  console.error('Building (nest build, and the page of the dashboard) ...');
  const nest = join(root, 'node_modules/@nestjs/cli/bin/nest.js');
  const code = await runCommand(process.execPath, [nest, 'build'], { cwd: root, shell: false }) || await buildPage(root);
  if (code !== 0) console.error(`The build failed with exit code ${code}; the compiler's words are above.`);
  return code;
}

function isBuildNeeded(root) {
  const built = Math.min(...OUTPUTS.map((file) => modifiedAt(join(root, file))));
  return SOURCES.some((source) => newest(join(root, source)) > built);
}

/** A folder's own time counts too: it changes when a file is taken away. */
function newest(path) {
  let latest = modifiedAt(path);
  for (const entry of entriesOf(path)) latest = Math.max(latest, newest(join(path, entry.name)));
  return latest;
}

function entriesOf(path) {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch {
    return [];
  }
}

function modifiedAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
