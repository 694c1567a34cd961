import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { filesOfGofort, gofortCheckout, useGofortCheckout } from './gofort-source.js';
import { removeFolder, temporaryFolder } from './temporary-folder.js';

const SOURCES = join(process.cwd(), 'test/support/go');
/** The commit of gofort/dispatcher whose behaviour `docs/wire-format.md` describes. */
const GOFORT = 'github.com/gofort/dispatcher@af19a5a';
/** gofort/dispatcher has no go.mod, and was written for this version. */
const GOFORT_UUID = 'github.com/satori/go.uuid@v1.2.0';
const LIMIT_MS = 280_000;
/** Programs by what they were built from: the same sources are built once, for all files and all runs. */
const BUILT = join(process.cwd(), 'node_modules/.cache/nestjs-dispatcher/go-peers');

/** A program to run, or why there can be none on this machine. */
export type GoPeer = { program: string } | { unavailable: string };

/**
 * Builds `test/support/go`, unless it is built already: with the real gofort/dispatcher, or as the stand-in. Unavailable
 * where there is no `go`, or where a module cannot be downloaded; a program that does not compile is an error,
 * and so is whatever is wrong with a checkout that was named.
 */
export async function buildGoPeer(kind: 'gofort' | 'stand-in'): Promise<GoPeer> {
  const checkout = kind === 'gofort' ? gofortCheckout() : undefined;
  let version: string;
  try {
    version = await go('version');
  } catch (error) {
    return { unavailable: whyUnavailable(error as ExecError) };
  }
  const program = join(BUILT, `${kind}-${digestOf(version, kind, checkout)}`);
  if (existsSync(program)) return { program };
  const folder = temporaryFolder('go');
  try {
    return await build(kind, checkout, folder, program);
  } finally {
    removeFolder(folder);
  }
}

async function build(kind: 'gofort' | 'stand-in', checkout: string | undefined, folder: string, program: string): Promise<GoPeer> {
  // A copy, because go writes what it finds into the go.mod that it works with.
  const modfile = join(folder, 'go.mod');
  copyFileSync(join(SOURCES, 'go.mod'), modfile);
  copyFileSync(join(SOURCES, 'go.sum'), join(folder, 'go.sum'));
  const replacement = checkout && useGofortCheckout(checkout, folder, modfile);
  try {
    if (replacement) await go(...replacement);
    else if (kind === 'gofort') await go('get', `-modfile=${modfile}`, GOFORT, GOFORT_UUID);
    else await go('mod', 'download', `-modfile=${modfile}`);
  } catch (error) {
    const advice = kind === 'gofort' && checkout === undefined ? ' Or name a checkout of it in DISPATCHER_GOFORT_SOURCE.' : '';
    return { unavailable: whyUnavailable(error as ExecError) + advice };
  }
  const unfinished = `${program}.${process.pid}`;
  mkdirSync(BUILT, { recursive: true });
  await go('build', `-modfile=${modfile}`, '-mod=mod', ...kind === 'gofort' ? ['-tags', 'gofort'] : [], '-o', unfinished, '.');
  for (const old of readdirSync(BUILT)) if (old.startsWith(`${kind}-`) && !old.includes('.')) rmSync(join(BUILT, old), { force: true });
  renameSync(unfinished, program);
  return { program };
}

/** Of everything that a program is made of. */
function digestOf(version: string, kind: string, checkout: string | undefined): string {
  const hash = createHash('sha256').update(JSON.stringify([version, kind, GOFORT, GOFORT_UUID, checkout !== undefined]));
  const files = [...readdirSync(SOURCES).sort().map((name) => join(SOURCES, name)), ...checkout === undefined ? [] : filesOfGofort(checkout)];
  for (const file of files) hash.update(`\n${file}\n`).update(readFileSync(file));
  return hash.digest('hex').slice(0, 20);
}

interface ExecError extends Error { code?: string | number; stderr?: string }

function whyUnavailable(error: ExecError): string {
  if (error.code === 'ENOENT') return 'there is no "go" on this machine: install Go 1.20 or newer.';
  return `go cannot download what it needs: ${(error.stderr ?? error.message).trim().replaceAll(/\s+/g, ' ').replace(/\.$/, '').slice(-300)}.`;
}

async function go(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('go', args, { cwd: SOURCES, timeout: LIMIT_MS, env: { ...process.env, GOFLAGS: '-buildvcs=false' } });
  return stdout;
}
