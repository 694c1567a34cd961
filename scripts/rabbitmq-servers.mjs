import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE, makeDebianRoot } from './debian-root.mjs';

const RELEASES = 'usr/lib/rabbitmq/lib';

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
    const missing = await makeDebianRoot(root, { release, packages: ['rabbitmq-server'], isWhole });
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
