import { execFile } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gofortCheckout, useGofortCheckout } from './gofort-source.js';

const SOURCES = join(process.cwd(), 'test/support/go');
/** The commit of gofort/dispatcher whose behaviour `docs/wire-format.md` describes. */
const GOFORT = 'github.com/gofort/dispatcher@af19a5a';
/** gofort/dispatcher has no go.mod, and was written for this version. */
const GOFORT_UUID = 'github.com/satori/go.uuid@v1.2.0';
const LIMIT_MS = 280_000;

/** A program to run, or why there can be none on this machine. */
export type GoPeer = { program: string } | { unavailable: string };

/**
 * Builds `test/support/go`: with the real gofort/dispatcher, or as the stand-in. Unavailable where
 * there is no `go`, or where a module cannot be downloaded; a program that does not compile is an error,
 * and so is whatever is wrong with a checkout that was named.
 */
export async function buildGoPeer(kind: 'gofort' | 'stand-in', folder: string): Promise<GoPeer> {
  // A copy, because go writes what it finds into the go.mod that it works with.
  const modfile = join(folder, 'go.mod');
  copyFileSync(join(SOURCES, 'go.mod'), modfile);
  copyFileSync(join(SOURCES, 'go.sum'), join(folder, 'go.sum'));
  const checkout = kind === 'gofort' ? gofortCheckout() : undefined;
  const replacement = checkout && useGofortCheckout(checkout, folder, modfile);
  try {
    if (replacement) await go(...replacement);
    else if (kind === 'gofort') await go('get', `-modfile=${modfile}`, GOFORT, GOFORT_UUID);
    else await go('mod', 'download', `-modfile=${modfile}`);
  } catch (error) {
    const advice = kind === 'gofort' && checkout === undefined ? ' Or name a checkout of it in DISPATCHER_GOFORT_SOURCE.' : '';
    return { unavailable: whyUnavailable(error as ExecError) + advice };
  }
  const program = join(folder, 'peer');
  await go('build', `-modfile=${modfile}`, '-mod=mod', ...kind === 'gofort' ? ['-tags', 'gofort'] : [], '-o', program, '.');
  return { program };
}

interface ExecError extends Error { code?: string | number; stderr?: string }

function whyUnavailable(error: ExecError): string {
  if (error.code === 'ENOENT') return 'there is no "go" on this machine: install Go 1.20 or newer.';
  return `go cannot download what it needs: ${(error.stderr ?? error.message).trim().replaceAll(/\s+/g, ' ').replace(/\.$/, '').slice(-300)}.`;
}

async function go(...args: string[]): Promise<void> {
  await promisify(execFile)('go', args, { cwd: SOURCES, timeout: LIMIT_MS, env: { ...process.env, GOFLAGS: '-buildvcs=false' } });
}
