import { mkdirSync, rmSync } from 'node:fs';
import { keepFolder } from './keep-folder.mjs';
import { runCommand } from './run-command.mjs';

/**
 * Has Maven bring what a pom.xml depends on. Into a folder of another name first: a run that is interrupted leaves no half of it.
 *
 * @returns {Promise<boolean>} false where it cannot be had
 */
export async function fetchJars(pom, folder) {
  const unfinished = `${folder}.${process.pid}`;
  mkdirSync(unfinished, { recursive: true });
  const code = await runCommand('mvn', ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${unfinished}`], {});
  if (code === 0) keepFolder(unfinished, folder);
  else rmSync(unfinished, { recursive: true, force: true });
  return code === 0;
}
