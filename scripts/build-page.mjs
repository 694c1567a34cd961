import { join } from 'node:path';
import { runCommand } from './run-command.mjs';

/**
 * Builds the page of the dashboard, as `npm run build:page` does.
 *
 * @returns {Promise<number>} 0, or the build's exit code
 */
export function buildPage(root, options = {}) {
  const vite = join(root, 'node_modules/vite/bin/vite.js');
  return runCommand(process.execPath, [vite, 'build', '--logLevel', 'warn', '--config', 'dashboard/vite.config.mts'], { cwd: root, shell: false, ...options });
}
