import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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

/**
 * gofort/dispatcher has no `go.mod` and cannot be had as a module everywhere, so it is built from a
 * checkout that the environment names.
 */
export function buildGofort(): void {
  const checkout = process.env.GOFORT_DISPATCHER;
  if (checkout === undefined) {
    throw new Error('set GOFORT_DISPATCHER to the folder of a checkout of github.com/gofort/dispatcher (commit af19a5a); it is no Go module');
  }
  const copy = join(BUILT, 'gofort-source');
  mkdirSync(copy, { recursive: true });
  cpSync(checkout, copy, { recursive: true, filter: (path) => !/(_test\.go|\/(examples|tests|legacy|src|vendor|\.git))$/.test(path) });
  writeFileSync(join(copy, 'go.mod'), 'module github.com/gofort/dispatcher\n\ngo 1.17\n');
  run('go', ['build', '-modfile', modfileWith(copy), '-mod=mod', '-tags', 'gofort', '-o', join(BUILT, 'gofort'), './cmd/gofort'], join(SOURCES, 'go'));
}

/** A copy of our `go.mod` that finds gofort/dispatcher in `folder`, and the versions that it was written for. */
function modfileWith(folder: string): string {
  const modfile = join(BUILT, 'gofort.mod');
  cpSync(join(SOURCES, 'go', 'go.mod'), modfile);
  cpSync(join(SOURCES, 'go', 'go.sum'), join(BUILT, 'gofort.sum'));
  const edits = ['-require=github.com/gofort/dispatcher@v0.0.0', `-replace=github.com/gofort/dispatcher=${folder}`, '-require=github.com/satori/go.uuid@v1.2.0'];
  run('go', ['mod', 'edit', ...edits, modfile], join(SOURCES, 'go'));
  return modfile;
}

/** @throws Error with what the command complained of */
function run(command: string, args: readonly string[], folder: string): void {
  const { status, error, stderr } = spawnSync(command, args, { cwd: folder, encoding: 'utf8' });
  if (error) throw new Error(`${command} cannot be run: ${error.message}`);
  if (status !== 0) throw new Error(`${command} ${args[0]} failed: ${stderr.trim().split('\n').slice(-3).join(' ')}`);
}
