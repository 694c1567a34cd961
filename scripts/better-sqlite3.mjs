import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { keepFolder } from './keep-folder.mjs';
import { runCommand } from './run-command.mjs';

/** With which the outbox on SQLite is tested. */
const VERSION = '12.11.1';
const LIMIT_MS = 600_000;

/**
 * Installs better-sqlite3 beside the dependencies, for tests: fetched or compiled once for a version of Node, and kept between
 * runs. It is none of the dependencies, because a machine with only Node may be unable to do either; there it is not tested,
 * and the tests say so.
 */
export async function ensureBetterSqlite3(root) {
  const place = join(root, 'node_modules/better-sqlite3');
  if (existsSync(place)) return;
  const kept = join(homedir(), `.cache/dispatcher-test/better-sqlite3-${VERSION}-${process.platform}-${process.arch}-${process.versions.modules}`);
  if (!existsSync(kept) && !await install(kept)) return;
  mkdirSync(dirname(place), { recursive: true });
  // A dead one of a folder that was removed since.
  rmSync(place, { force: true });
  symlinkSync(join(kept, 'node_modules/better-sqlite3'), place, 'junction');
}

/** Into a folder of another name first: a run that is interrupted leaves no half of it. */
async function install(kept) {
  console.error(`Installing better-sqlite3 ${VERSION}, which tests need ...`);
  const unfinished = `${kept}.${process.pid}`;
  mkdirSync(unfinished, { recursive: true });
  const code = await runCommand('npm', ['install', '--prefix', unfinished, '--no-audit', '--no-fund', '--loglevel=error', `better-sqlite3@${VERSION}`], { timeout: LIMIT_MS });
  if (code === 0) keepFolder(unfinished, kept);
  else {
    rmSync(unfinished, { recursive: true, force: true });
    console.error('It cannot be had: the tests of the outbox on SQLite are left out.');
  }
  return code === 0;
}
