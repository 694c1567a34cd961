import { accessSync, constants, existsSync, statSync, statfsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parseEmbeddedUrl } from '../../brokers/embedded/embedded-url.js';
import { messageOf } from '../../task/error-text.js';
import { type Finding, ok, problem, warning } from './finding.js';

/** Below it a backlog that grows may soon find no room. */
const LOW_BYTES = 1024 ** 3;
const MEBIBYTE = 1024 ** 2;

/** What an embedded folder needs. @returns the findings, and whether it makes sense to open it */
export function embeddedFindings(url: string): { findings: Finding[]; usable: boolean } {
  const { location } = parseEmbeddedUrl(url);
  if (location === undefined) {
    return { usable: false, findings: [problem('folder', '"embedded:" without a folder is the memory of one process, which nobody else can look into.', 'Name the folder that the applications use: embedded:./folder.')] };
  }
  const folder = folderFinding(location);
  const driver = driverFinding();
  const usable = folder.status === 'ok' && driver.status === 'ok';
  return { usable, findings: usable ? [folder, driver, roomFinding(location)] : [folder, driver] };
}

function folderFinding(location: string): Finding {
  const check = 'folder';
  if (!existsSync(location)) return problem(check, `There is no folder ${location}.`, 'Name the one that the applications use, relative to the working folder.');
  if (!statSync(location).isDirectory()) return problem(check, `${location} is no folder.`, 'Name a folder.');
  try {
    accessSync(location, constants.R_OK | constants.W_OK | constants.X_OK);
    return ok(check, `${location} can be read and written.`);
  } catch {
    return problem(check, `${location} may not be read and written by this user.`, `chown -R $(id -un) ${location}, or run this as the user of the applications.`);
  }
}

function driverFinding(): Finding {
  try {
    createRequire(__filename).resolve('lmdb');
    return ok('driver', 'The package lmdb is installed.');
  } catch (error) {
    return problem('driver', `The package lmdb cannot be loaded: ${messageOf(error)}`, 'npm install lmdb');
  }
}

function roomFinding(location: string): Finding {
  const { bavail, bsize } = statfsSync(location);
  const free = bavail * bsize;
  const text = `${Math.round(free / MEBIBYTE)} MiB are free on the disk of ${location}.`;
  return free < LOW_BYTES ? warning('room', `${text} When it is full, publishing is refused; nothing is lost.`, 'Make room: df -h, du -sh.') : ok('room', text);
}
