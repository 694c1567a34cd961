import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** What this process does: everything; only publish (and answer HTTP); only run tasks. */
export type Role = 'both' | 'sender' | 'worker';

export interface Settings {
  role: Role;
  /** A broker URL. */
  broker: string;
  /** Exchange, queues and routing keys are named after it. */
  prefix: string;
  host: string;
  port: number;
  /** End after the summary. */
  once: boolean;
  /** What to count the words of: files, or folders with all that is in them. */
  roots: string[];
}

/** Thrown for a command line or environment that cannot work; the text is for people. */
export class UsageError extends Error {}

/** dist/sample-app/src, three levels below the project. */
const PROJECT = resolve(__dirname, '../../..');
const OWN_SOURCES = ['lib', 'sample-app', 'test', 'docs', 'scripts', 'README.md', 'CHANGELOG.md'];
/** One folder that `npm run start:sender` and `start:worker` share where no broker is named. */
const SHARED_FOLDER = resolve(PROJECT, '.cache/sample-app-broker');

/** @throws UsageError */
export function readSettings(args: readonly string[], environment: NodeJS.ProcessEnv): Settings {
  const { values, positionals } = parse(args);
  const role = checkRole(values.role);
  if (role === 'worker' && values.once) throw new UsageError('--once is for a process that counts or sends; a worker runs until it is told to stop (Ctrl-C).');
  return {
    role,
    broker: environment.DISPATCHER_AMQP_CON || (role === 'both' ? 'embedded:' : `embedded:${SHARED_FOLDER}`),
    prefix: environment.SAMPLE_APP_PREFIX || 'sample-app',
    host: environment.HOST || '127.0.0.1',
    port: checkPort(environment.PORT || '3000'),
    once: values.once,
    roots: findRoots(positionals, environment),
  };
}

function parse(args: readonly string[]): { values: { role: string; once: boolean }; positionals: string[] } {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { role: { type: 'string', default: 'both' }, once: { type: 'boolean', default: false } },
    });
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\nUsage: npm start -- [folder] [--once] [--role=both|sender|worker]`);
  }
}

function checkRole(role: string): Role {
  if (role === 'both' || role === 'sender' || role === 'worker') return role;
  throw new UsageError(`--role=${role}: there is no such role; write both, sender or worker.`);
}

function checkPort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new UsageError(`PORT=${text} is not a port; write a number from 0 (any free port) to 65535, such as PORT=3001.`);
}

/** npm runs scripts in the project's folder; INIT_CWD is where the user was. */
function findRoots(folders: readonly string[], { INIT_CWD }: NodeJS.ProcessEnv): string[] {
  if (folders.length === 0) return OWN_SOURCES.map((name) => resolve(PROJECT, name)).filter((path) => existsSync(path));
  return folders.map((folder) => {
    const path = resolve(INIT_CWD || process.cwd(), folder);
    if (existsSync(path)) return path;
    throw new UsageError(`There is no folder or file ${path}. Name one that exists: npm start -- some/folder`);
  });
}
