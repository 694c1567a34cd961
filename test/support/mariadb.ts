import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createConnection, createPool, type Pool } from 'mysql2/promise';
import { findServer } from '../../scripts/find-result-servers.mjs';
import { freePorts } from './free-ports.js';
import { commandAs, giveTo } from './other-user.js';
import { PrivateServer } from './private-server.js';
import { removeFolder, temporaryFolder } from './temporary-folder.js';

/** Why there is no MariaDB here, for the title of what is skipped; absent where there is one. */
export const noMariaDb = findServer('mariadbd') === undefined || findServer('mariadb-install-db') === undefined ? 'Found no MariaDB on this machine. Install it: apt-get install mariadb-server' : undefined;

/** A private MariaDB, whose data are on disk, with a database `test`. */
export class MariaDbServer {
  readonly url: string;

  private constructor(port: number, private readonly folder: string, readonly server: PrivateServer) {
    this.url = `mysql://root@127.0.0.1:${port}/test`;
  }

  static async start(): Promise<MariaDbServer> {
    const [port] = await freePorts(1);
    const folder = temporaryFolder('mariadb');
    try {
      const mariaDb = new MariaDbServer(port, folder, serverIn(folder, port));
      await mariaDb.server.start();
      return mariaDb;
    } catch (error) {
      removeFolder(folder);
      throw error;
    }
  }

  pool(connectionLimit: number): Pool {
    return createPool({ uri: this.url, connectionLimit });
  }

  /** SIGKILL, and a new start with the same data. */
  async killAndStart(): Promise<void> {
    await this.server.kill9();
    await this.server.start();
  }

  async stop(): Promise<void> {
    await this.server.kill9();
    removeFolder(this.folder);
  }
}

/** With the database in it. */
async function serves(port: number): Promise<boolean> {
  const connection = await createConnection({ host: '127.0.0.1', port, user: 'root' });
  connection.on('error', () => undefined);
  try {
    await connection.query('CREATE DATABASE IF NOT EXISTS test');
    return true;
  } finally {
    connection.destroy();
  }
}

function serverIn(folder: string, port: number): PrivateServer {
  const data = join(folder, 'data');
  mkdirSync(data);
  // That of the tests is nobody else's.
  const temporary = `--tmpdir=${folder}`;
  giveTo('mysql', folder);
  const [initProgram, ...initArgs] = commandAs('mysql', found('mariadb-install-db'), ['--no-defaults', `--datadir=${data}`, temporary, '--auth-root-authentication-method=normal', '--skip-test-db']);
  execFileSync(initProgram, initArgs, { cwd: folder, stdio: 'pipe' });
  const [program, ...args] = commandAs('mysql', found('mariadbd'), [
    '--no-defaults', `--datadir=${data}`, temporary, `--port=${port}`, '--bind-address=127.0.0.1', `--socket=${join(folder, 'socket')}`, '--innodb-buffer-pool-size=32M', '--max-connections=100',
  ]);
  return new PrivateServer(program, args, () => serves(port), folder);
}

function found(program: string): string {
  const path = findServer(program);
  if (path === undefined) throw new Error(noMariaDb);
  return path;
}
