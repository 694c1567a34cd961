import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { runCommand } from './run-command.mjs';

/** Debian asks this script before it starts a service; 101 says no. */
const POLICY = '/usr/sbin/policy-rc.d';

/** Whether packages can be installed here: Debian or Ubuntu, as root. */
export function mayInstall() {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version') && existsSync('/usr/bin/apt-get');
}

/**
 * Installs packages; the services that they would start are kept from starting, because tests start
 * servers of their own. Says nothing of how it ended: look for what you need.
 */
export async function installDebianPackages(packages) {
  await withoutStartingServices(async (env) => {
    const options = { cwd: '/', env };
    if (await runCommand('apt-get', ['update', '-q'], options) !== 0) return;
    await runCommand('apt-get', ['install', '-q', '-y', '--no-install-recommends', ...packages], options);
  });
}

async function withoutStartingServices(install) {
  // A policy that somebody has set here already stays; the run level says no as well.
  const ours = !existsSync(POLICY);
  if (ours) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    await install({ ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' });
  } finally {
    if (ours) rmSync(POLICY, { force: true });
  }
}
