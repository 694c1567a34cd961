import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

const LIMIT_MS = 580_000;

/** A program to run, or why there can be none on this machine. */
export type GoPeer = { readonly program: string } | { readonly unavailable: string };

/** Builds the Go program of a folder, once for all runs: what it is made of names what it is kept as. */
export async function buildGoPeer(what: string, sources: string): Promise<GoPeer> {
  const built = join(process.cwd(), 'node_modules/.cache/nestjs-dispatcher', `${basename(sources)}-peers`);
  const hash = createHash('sha256');
  for (const name of readdirSync(sources).sort()) hash.update(name).update(readFileSync(join(sources, name)));
  const program = join(built, hash.digest('hex').slice(0, 20));
  if (existsSync(program)) return { program };
  const unfinished = `${program}.${process.pid}`;
  mkdirSync(built, { recursive: true });
  try {
    await promisify(execFile)('go', ['build', '-o', unfinished, '.'], { cwd: sources, timeout: LIMIT_MS, env: { ...process.env, GOFLAGS: '-buildvcs=false -mod=mod' } });
  } catch (error) {
    const { code, stderr, message } = error as Error & { code?: string | number; stderr?: string };
    return { unavailable: code === 'ENOENT' ? 'there is no "go" on this machine: install Go 1.24 or newer.' : `${what} cannot be built: ${(stderr ?? message).trim().replaceAll(/\s+/g, ' ').slice(-300)}` };
  }
  renameSync(unfinished, program);
  return { program };
}
