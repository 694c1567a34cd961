import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { debianMirror, HOW_TO_NAME_A_MIRROR } from './debian-mirror.mjs';
import { installDebianPackages, mayInstall } from './install-debian-packages.mjs';
import { runCommand } from './run-command.mjs';

/** Where servers of other versions are kept that tests run on. */
export const CACHE = join(homedir(), '.cache/dispatcher-test');

const DEBOOTSTRAP = '/usr/sbin/debootstrap';
const LIMIT_MS = 1_800_000;

/**
 * Makes a folder with another release of Debian in it, which takes a minute and half a gigabyte.
 *
 * @param {string} root
 * @param {{ release: string, packages: string[], isWhole: (root: string) => boolean }} what
 * @returns {Promise<string | undefined>} why it could not be made
 */
export async function makeDebianRoot(root, { release, packages, isWhole }) {
  const problem = await whyNotMade();
  if (problem !== undefined) return problem;
  removeOld(root);
  // Under another name until it is whole: a run that is interrupted leaves no half of it under this one.
  const unfinished = `${root}.${process.pid}`;
  mkdirSync(CACHE, { recursive: true });
  console.error(`Making ${root} with ${packages.join(' and ')} from Debian's ${release} ...`);
  try {
    // In mounts of its own, which end with it whatever happens. Every release is made by the script of `sid`; an older debootstrap knows no other for a newer one.
    const code = await runCommand('unshare', ['--mount', DEBOOTSTRAP, '--variant=minbase', `--include=${packages.join(',')}`, release, unfinished, debianMirror(), 'sid'],
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
