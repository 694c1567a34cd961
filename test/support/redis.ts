import { findServer } from '../../scripts/find-result-servers.mjs';
import { freePorts } from './free-ports.js';
import { answers, PrivateServer } from './private-server.js';
import { removeFolder, temporaryFolder } from './temporary-folder.js';

export interface RedisOptions { password?: string }

/** A private Redis whose data are on disk; every write is there before it is answered. */
export class RedisServer {
  readonly folder = temporaryFolder('redis');
  readonly socketPath = `${this.folder}/redis.sock`;
  readonly url: string;
  readonly server: PrivateServer;

  private constructor(readonly port: number, { password }: RedisOptions) {
    this.url = `redis://${password === undefined ? '' : `:${password}@`}127.0.0.1:${port}/0`;
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--unixsocket', this.socketPath, '--dir', this.folder, '--save', '',
      '--appendonly', 'yes', '--appendfsync', 'always', ...(password === undefined ? [] : ['--requirepass', password])];
    const program = findServer('redis-server');
    if (program === undefined) throw new Error('Found no redis-server on this machine. Install it: apt-get install redis-server');
    this.server = new PrivateServer(program, args, () => answers(port, 'PING\r\n', /\+PONG|-NOAUTH/), this.folder);
  }

  static async start(options: RedisOptions = {}): Promise<RedisServer> {
    const [port] = await freePorts(1) as [number];
    const redis = new RedisServer(port, options);
    await redis.server.start();
    return redis;
  }

  async stop(): Promise<void> {
    await this.server.kill9();
    removeFolder(this.folder);
  }
}
