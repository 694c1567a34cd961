import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gofortCheckout, useGofortCheckout } from '../../test/support/gofort-source.js';
import { temporaryFolder } from '../../test/support/temporary-folder.js';
import { needFile } from '../servers/packages.js';
import { BUILT, SOURCES } from './paths.js';

/** Installs the peers of `bench/peers/package.json`, once. */
export function installPeers(): void {
  const folder = join(SOURCES, 'peers');
  if (existsSync(join(folder, 'node_modules', '.package-lock.json'))) return;
  console.error('Installing what the benchmark compares with (bench/peers) ...');
  run('npm', ['install', '--no-package-lock', '--no-audit', '--no-fund'], folder);
}

export function buildC(): void {
  needFile('/usr/include/amqp.h', 'librabbitmq-dev');
  needFile('/usr/bin/gcc', 'gcc');
  mkdirSync(BUILT, { recursive: true });
  const sources = readdirSync(join(SOURCES, 'c')).filter((name) => name.endsWith('.c'));
  run('gcc', ['-O2', '-Wall', '-D_GNU_SOURCE', '-o', join(BUILT, 'c'), ...sources, '-lrabbitmq'], join(SOURCES, 'c'));
}

/** Builds one of the Go programs of `bench/go/cmd`. */
export function buildGo(name: string): void {
  mkdirSync(BUILT, { recursive: true });
  run('go', ['build', '-o', join(BUILT, name), `./cmd/${name}`], join(SOURCES, 'go'));
}

/** The original's last commit; it has no `go.mod`, and was written for this version of its uuid package. */
const GOFORT = ['github.com/gofort/dispatcher@af19a5a', 'github.com/satori/go.uuid@v1.2.0'];

/** Apart from the others, because its module cannot be downloaded everywhere; see `DISPATCHER_GOFORT_SOURCE` in docs/testing.md. */
export function buildGofort(): void {
  mkdirSync(BUILT, { recursive: true });
  const folder = join(SOURCES, 'go');
  // Copies, because go writes what it finds into the files that it works with.
  const modfile = join(BUILT, 'gofort.mod');
  cpSync(join(folder, 'go.mod'), modfile);
  cpSync(join(folder, 'go.sum'), join(BUILT, 'gofort.sum'));
  replaceOrGetGofort(folder, modfile);
  run('go', ['build', `-modfile=${modfile}`, '-mod=mod', '-tags', 'gofort', '-o', join(BUILT, 'gofort'), './cmd/gofort'], folder);
}

function replaceOrGetGofort(folder: string, modfile: string): void {
  const checkout = gofortCheckout();
  if (checkout !== undefined) return run('go', useGofortCheckout(checkout, temporaryFolder('gofort'), modfile), folder);
  try {
    run('go', ['get', `-modfile=${modfile}`, ...GOFORT], folder);
  } catch (cause) {
    throw new Error('its module cannot be downloaded on this machine; DISPATCHER_GOFORT_SOURCE may name a checkout of it', { cause });
  }
}

/** @throws Error with what the command complained of */
function run(command: string, args: readonly string[], folder: string): void {
  const { status, error, stderr } = spawnSync(command, args, { cwd: folder, encoding: 'utf8' });
  if (error) throw new Error(`${command} cannot be run: ${error.message}`);
  if (status !== 0) throw new Error(`${command} ${args[0]} failed: ${stderr.trim().split('\n').slice(-3).join(' ')}`);
}
