import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Exact, so that a run says the same tomorrow. npm is the one of this machine. */
const TOOLS = { 'pnpm': '12.21.0', 'yarn': '1.22.22', '@yarnpkg/cli-dist': '4.18.1' } as const;
/** They and what they download are kept here, and nothing of theirs in the user's own folders. */
const CACHE = join(process.cwd(), 'node_modules/.cache/nestjs-dispatcher/package-managers');
const LIMIT_MS = 240_000;

/** A program of Node, or `npm`, and its arguments. */
type Command = readonly [program: string, ...args: string[]];

export interface PackageManager {
  readonly name: string;
  /** Installs the tarball into an application beside what its package.json lists. */
  install: (tarball: string) => Command;
  /** Looks at what is installed: must end well and silently. */
  readonly check?: Command;
  /** Before `dist/main.js`. */
  readonly start?: string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Lines that have nothing to do with us. */
  readonly harmless: RegExp;
}

/** Nest 12 says that it wants Node 22 in one of its own dependencies; it runs on 20.19. */
const ENGINE = /EBADENGINE|Unsupported engine|The engine "node" appears to be invalid|file-type/;
const tool = (path: string): string => join(CACHE, 'node_modules', path);
const YARN = tool('yarn/bin/yarn.js');
const BERRY = tool('@yarnpkg/cli-dist/bin/yarn.js');
const PNPM = tool('pnpm/bin/pnpm.mjs');

export const PACKAGE_MANAGERS: readonly PackageManager[] = [
  {
    name: 'npm', harmless: ENGINE,
    install: (tarball) => ['npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=warn', tarball],
    check: ['npm', 'ls', '--all'],
  },
  { name: 'pnpm', install: (tarball) => [PNPM, 'add', '--prefer-offline', tarball], check: [PNPM, 'peers', 'check'], harmless: ENGINE },
  {
    name: 'yarn 1', harmless: new RegExp(`${ENGINE.source}|Waiting for the other yarn instance`),
    // Refuses Nest 12 on Node 20 because of that dependency of Nest's.
    install: (tarball) => [YARN, 'add', '--ignore-engines', '--mutex', `file:${join(CACHE, 'yarn-mutex')}`, `file:${tarball}`],
    // Its own loader keeps compiled code among the temporary files otherwise.
    env: { YARN_CACHE_FOLDER: join(CACHE, 'yarn-1'), DISABLE_V8_COMPILE_CACHE: '1' },
  },
  {
    name: 'yarn 4',
    install: (tarball) => [BERRY, 'add', `nestjs-dispatcher@file:${tarball}`],
    // As it comes: without node_modules, where each package reaches only what it names.
    start: [BERRY, 'node'],
    env: { YARN_GLOBAL_FOLDER: join(CACHE, 'yarn-4'), YARN_ENABLE_TELEMETRY: '0', YARN_ENABLE_IMMUTABLE_INSTALLS: '0' },
    // YN0000: what it is at; YN0013 and YN0085: what it has added; YN0092: of applications written as ESM.
    harmless: /YN00(00|13|85|92)/,
  },
];

/** @returns why nothing can be installed here; `undefined` where all managers are ready */
export async function preparePackageManagers(): Promise<string | undefined> {
  const manifest = join(CACHE, 'package.json');
  const wanted = JSON.stringify({ private: true, dependencies: TOOLS });
  try {
    if (!existsSync(manifest) || readFileSync(manifest, 'utf8') !== wanted || !existsSync(PNPM) || !existsSync(YARN) || !existsSync(BERRY)) {
      mkdirSync(CACHE, { recursive: true });
      writeFileSync(manifest, wanted);
      await run(CACHE, ['npm', 'install', '--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts']);
    }
    // The cache may have everything that was there the last time, and not what a new version needs.
    await run(CACHE, ['npm', 'view', 'rxjs', 'version']);
    return undefined;
  } catch (error) {
    const unreachable = /ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET|ENETUNREACH|ERR_SOCKET_TIMEOUT/.exec((error as Error).message);
    if (unreachable === null) throw error;
    return `the registry of packages cannot be reached (${unreachable[0]})`;
  }
}

/**
 * Runs npm, or a script of Node, to its end.
 * @returns all that it printed
 * @throws with all that it printed, when it ends badly
 */
export async function run(cwd: string, [program, ...args]: Command, env: Readonly<Record<string, string>> = {}): Promise<string> {
  const [file, ...rest]: Command = program === 'npm' ? ['npm', ...args] : [process.execPath, program, ...args];
  const own = { XDG_DATA_HOME: join(CACHE, 'data'), XDG_CACHE_HOME: join(CACHE, 'cache'), XDG_STATE_HOME: join(CACHE, 'state') };
  try {
    const { stdout, stderr } = await promisify(execFile)(file, rest, { cwd, timeout: LIMIT_MS, maxBuffer: 10_000_000, env: { ...process.env, ...own, ...env } });
    return `${stdout}\n${stderr}`;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${[program, ...args].join(' ')} failed in ${cwd}:\n${stdout}\n${stderr}`, { cause: error });
  }
}

/** Whatever a manager says that a user would have to think about: a warning, a peer, a build to be approved, an error. */
export function complaints(output: string, { harmless }: PackageManager): string[] {
  return output.split('\n').filter((line) => /warn|error|peer|\bbuilds?\b|\bscripts?\b|YN0/i.test(line) && !harmless.test(line) && !/^\[\d\/\d\] |^No peer dependency issues/.test(line));
}
