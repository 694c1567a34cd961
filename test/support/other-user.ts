import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Servers of databases do not run as root. */
export const asRoot = process.getuid?.() === 0;

/** A folder and what leads to it: the folder of a run of the tests is its user's alone. */
export function giveTo(user: string, folder: string): void {
  if (!asRoot) return;
  execFileSync('chown', ['-R', user, folder]);
  const parent = dirname(folder);
  const { mode } = statSync(parent);
  if ((mode & 0o001) === 0) chmodSync(parent, mode | 0o001);
}

/** What runs a program as this user. */
export function commandAs(user: string, program: string, args: readonly string[]): [string, ...string[]] {
  return asRoot ? ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--init-groups', program, ...args] : [program, ...args];
}

/** How many processes work in a folder; 0 where the system does not tell. */
export function processesIn(folder: string): number {
  const pids = existsSync('/proc') ? readdirSync('/proc').filter((name) => /^\d+$/.test(name)) : [];
  return pids.filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`).startsWith(folder);
    } catch {
      return false;
    }
  }).length;
}
