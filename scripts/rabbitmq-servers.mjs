import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { debianMirror, HOW_TO_NAME_A_MIRROR } from './debian-mirror.mjs';
import { installDebianPackages, mayInstall } from './install-debian-packages.mjs';
import { runCommand } from './run-command.mjs';

const CACHE = join(homedir(), '.cache/dispatcher-test');
const DEBOOTSTRAP = '/usr/sbin/debootstrap';
const RELEASES = 'usr/lib/rabbitmq/lib';
const LIMIT_MS = 1_800_000;

/**
 * The RabbitMQ versions that the tests know, oldest first, and the release of Debian that has each. The installed
 * one is taken where it is of that version; each other runs from a folder with its release in it.
 */
export const RABBITMQ_SERVERS = [
  { version: '3.10', release: 'bookworm' },
  { version: '4.0', release: 'trixie' },
  { version: '4.3', release: 'forky' },
];

/**
 * Finds the RabbitMQ of this version, or makes the folder that it runs from, which takes a minute and half a gigabyte.
 *
 * @returns {Promise<{ root: string, exact: string } | { missing: string }>} the root of its system (empty for this
 *   machine's own) and the exact version, or why there can be none
 */
export async function ensureServer({ version, release }) {
  const fits = (exact) => exact?.startsWith(`${version}.`);
  const installed = versionIn('/');
  if (fits(installed)) return { root: '', exact: installed };
  const root = join(CACHE, `rabbitmq-${release}`);
  if (!isWhole(root)) {
    const missing = await make(root, release);
    if (missing !== undefined) return { missing };
  }
  const exact = versionIn(root);
  return fits(exact) ? { root, exact } : { missing: `Debian's ${release} has RabbitMQ ${exact} by now, and not ${version}. Remove ${root} when nothing needs it.` };
}

function versionIn(root) {
  const folder = join(root, RELEASES);
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return names.map((name) => /^rabbitmq_server-(\d+\.\d+\.\d+)/.exec(name)?.[1]).find((found) => found !== undefined);
}

/** debootstrap keeps its own folder in what it makes until it is done. */
function isWhole(root) {
  return versionIn(root) !== undefined && !existsSync(join(root, 'debootstrap'));
}

/** Returns why it could not be made. */
async function make(root, release) {
  const problem = await whyNotMade();
  if (problem !== undefined) return problem;
  removeOld(root);
  // Under another name until it is whole: a run that is interrupted leaves no half of it under this one.
  const unfinished = `${root}.${process.pid}`;
  mkdirSync(CACHE, { recursive: true });
  console.error(`Making ${root} with RabbitMQ from Debian's ${release} ...`);
  try {
    // In mounts of its own, which end with it whatever happens. Every release is made by the script of `sid`; an older debootstrap knows no other for a newer one.
    const code = await runCommand('unshare', ['--mount', DEBOOTSTRAP, '--variant=minbase', '--include=rabbitmq-server', release, unfinished, debianMirror(), 'sid'],
      { cwd: '/', timeout: LIMIT_MS });
    if (code !== 0 || !isWhole(unfinished)) return `debootstrap ended with exit code ${code}; its own words are above`;
    // Without it RabbitMQ 4.3 waits for ever for the name of this machine.
    cpSync('/etc/hosts', join(unfinished, 'etc/hosts'));
    // Another run may have been faster.
    if (!isWhole(root)) renameSync(unfinished, root);
    return undefined;
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

async function whyNotMade() {
  if (!mayInstall()) return 'its folder is made and used by root on Debian only';
  if (debianMirror() === undefined) return `this machine's apt names no mirror of Debian. ${HOW_TO_NAME_A_MIRROR}`;
  if (!existsSync(DEBOOTSTRAP)) await installDebianPackages(['debootstrap']);
  return existsSync(DEBOOTSTRAP) ? undefined : 'debootstrap could not be installed; apt-get\'s own words are above';
}

/** A half one of an earlier attempt. Never what is mounted in it: that would be this machine's own. */
function removeOld(root) {
  const mounted = readFileSync('/proc/self/mountinfo', 'utf8').split('\n').some((line) => line.split(' ')[4]?.startsWith(`${root}/`));
  if (mounted) throw new Error(`Something is mounted in ${root}, which is incomplete and would be removed. Unmount it first.`);
  rmSync(root, { recursive: true, force: true });
}
