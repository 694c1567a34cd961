import { join } from 'node:path';
import { runCommand } from './run-command.mjs';

/**
 * The library and all that is run beside it, tests among them, from the sources into `dist`.
 *
 * @param {string} root
 * @returns {Promise<number>} the compiler's exit code; its own words are printed
 */
export function compileAll(root) {
  return runCommand(process.execPath, [join(root, 'node_modules/@typescript/native-preview/bin/tsgo'), '-p', 'tsconfig.json'], { cwd: root, shell: false });
}
