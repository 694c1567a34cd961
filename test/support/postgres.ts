import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { findPostgres } from '../../scripts/find-result-servers.mjs';
import { freePorts } from './free-ports.js';
import { PrivateServer } from './private-server.js';
import { removeFolder, temporaryFolder } from './temporary-folder.js';
import { eventually } from './wait.js';

/** Neither `initdb` nor the server run as root. */
const asRoot = process.getuid?.() === 0;

/** Why there is no PostgreSQL here, for the title of what is skipped; absent where there is one. */
export const noPostgres = findPostgres('postgres') === undefined || findPostgres('initdb') === undefined ? 'Found no PostgreSQL on this machine. Install it: apt-get install postgresql' : undefined;

/** A private PostgreSQL, whose data are on disk. */
export class PostgresServer {
  readonly url: string;

  private constructor(port: number, private readonly folder: string, readonly server: PrivateServer) {
    this.url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  }

  static async start(): Promise<PostgresServer> {
    const [port] = await freePorts(1);
    const folder = temporaryFolder('postgres');
    const data = join(folder, 'data');
    mkdirSync(data);
    chmodSync(folder, 0o755);
    if (asRoot) execFileSync('chown', ['-R', 'postgres', folder]);
    const [initProgram, ...initArgs] = asUser([findPostgres('initdb') as string, '-D', data, '-U', 'postgres', '--auth=trust', '--no-sync', '--no-instructions']) as [string, ...string[]];
    execFileSync(initProgram, initArgs, { cwd: folder, stdio: 'pipe' });
    const [program, ...args] = asUser([findPostgres('postgres') as string, '-D', data, '-p', String(port), '-k', folder, '-c', 'listen_addresses=127.0.0.1', '-c', 'max_connections=60']) as [string, ...string[]];
    const postgres = new PostgresServer(port, folder, new PrivateServer(program, args, () => serves(port), folder));
    await postgres.server.start();
    return postgres;
  }

  /** SIGKILL, and a new start with the same data. */
  async killAndStart(): Promise<void> {
    await this.server.kill9();
    // Its processes notice by themselves that their parent is dead; until then nobody else may have the data.
    await eventually(() => this.server.start().then(() => true, (error: unknown) => error), (started) => started === true, 'PostgreSQL to start again', { limitMs: 60_000, everyMs: 200 });
  }

  async stop(): Promise<void> {
    await this.server.kill9();
    removeFolder(this.folder);
  }
}

/** It takes connections before it answers. */
async function serves(port: number): Promise<boolean> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return true;
  } finally {
    await client.end().catch(() => undefined);
  }
}

function asUser(command: readonly string[]): readonly string[] {
  return asRoot ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--init-groups', ...command] : command;
}
