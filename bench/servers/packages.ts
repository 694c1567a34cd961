import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/**
 * Makes sure that a Debian package's file is there, installing the package when we are root.
 * @throws Error which says what to install by hand
 */
export function needFile(path: string, debianPackage: string): void {
  if (existsSync(path)) return;
  const mayInstall = process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
  if (mayInstall) {
    console.error(`Installing ${debianPackage} ...`);
    // RUNLEVEL 1 keeps the package from starting a server of its own.
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
    spawnSync('apt-get', ['update', '-q'], { env });
    spawnSync('apt-get', ['install', '-y', '-q', debianPackage], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  }
  if (!existsSync(path)) throw new Error(`${path} is missing. Install the package that holds it (Debian: ${debianPackage}).`);
}
