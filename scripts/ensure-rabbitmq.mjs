import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { findRabbitMq, HOW_TO_GET_RABBITMQ } from './find-rabbitmq.mjs';
import { runCommand } from './run-command.mjs';

/** Debian asks this script before it starts a service; 101 says no. */
const POLICY = '/usr/sbin/policy-rc.d';

/**
 * Installs RabbitMQ where it is missing, this may be done, and Debian's package manager is there.
 * The tests start nodes of their own: the default node that the package would start is kept from starting.
 *
 * @returns {Promise<boolean>} whether there is a RabbitMQ now; where not, people have been told what to do
 */
export async function ensureRabbitMq() {
  if (findRabbitMq() !== undefined) return true;
  if (!mayInstall()) {
    console.error(`The tests need a RabbitMQ server, and there is none on this machine. ${HOW_TO_GET_RABBITMQ}`);
    return false;
  }
  console.error('Installing RabbitMQ (apt-get install rabbitmq-server), because there is none on this machine ...');
  await withoutStartingServices(async (env) => {
    const options = { cwd: '/', env };
    const updated = await runCommand('apt-get', ['update', '-q'], options);
    if (updated !== 0) return;
    await runCommand('apt-get', ['install', '-q', '-y', '--no-install-recommends', 'rabbitmq-server'], options);
  });
  if (findRabbitMq() !== undefined) return true;
  console.error(`apt-get could not install it; its own words are above. ${HOW_TO_GET_RABBITMQ}`);
  return false;
}

function mayInstall() {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version') && existsSync('/usr/bin/apt-get');
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
