import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { findPostgres } from '../../scripts/find-result-servers.mjs';
import { freePorts } from './free-ports.js';
import { commandAs, giveTo, processesIn } from './other-user.js';
import { PrivateServer } from './private-server.js';
import { removeFolder, temporaryFolder } from './temporary-folder.js';
import { eventually } from './wait.js';

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
    try {
      const postgres = new PostgresServer(port, folder, serverIn(folder, port));
      await postgres.server.start();
      return postgres;
    } catch (error) {
      removeFolder(folder);
      throw error;
    }
  }

  /** SIGKILL, and a new start with the same data. */
  async killAndStart(): Promise<void> {
    await this.server.kill9();
    await this.left();
    await this.server.start();
  }

  async stop(): Promise<void> {
    await this.server.kill9();
    await this.left();
    removeFolder(this.folder);
  }

  /** Its processes have groups of their own, and notice by themselves that their parent is dead; until then nobody else may have the data. */
  private async left(): Promise<void> {
    await eventually(() => processesIn(this.folder), (count) => count === 0, 'the processes of PostgreSQL to end', { limitMs: 60_000, everyMs: 20 });
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

/** With a database in it. */
function serverIn(folder: string, port: number): PrivateServer {
  const data = join(folder, 'data');
  mkdirSync(data);
  giveTo('postgres', folder);
  const [initProgram, ...initArgs] = commandAs('postgres', found('initdb'), ['-D', data, '-U', 'postgres', '--auth=trust', '--no-sync', '--no-instructions']);
  execFileSync(initProgram, initArgs, { cwd: folder, stdio: 'pipe' });
  const [program, ...args] = commandAs('postgres', found('postgres'), ['-D', data, '-p', String(port), '-k', folder, '-c', 'listen_addresses=127.0.0.1', '-c', 'max_connections=60']);
  return new PrivateServer(program, args, () => serves(port), folder);
}

function found(program: string): string {
  const path = findPostgres(program);
  if (path === undefined) throw new Error(noPostgres);
  return path;
}
