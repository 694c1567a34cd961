import { userInfo } from 'node:os';
import { findServer } from '../../scripts/find-result-servers.mjs';
import { freePorts } from './free-ports.js';
import { answers, PrivateServer } from './private-server.js';
import { removeFolder, temporaryFolder } from './temporary-folder.js';

/** A private memcached; what it keeps is gone when it is killed. */
export class MemcachedServer {
  readonly folder = temporaryFolder('memcached');
  readonly url: string;
  readonly server: PrivateServer;

  private constructor(readonly port: number) {
    this.url = `memcache://127.0.0.1:${port}`;
    const program = findServer('memcached');
    if (program === undefined) throw new Error('Found no memcached on this machine. Install it: apt-get install memcached');
    // It refuses to run as root unless told so.
    const args = ['-p', String(port), '-U', '0', '-l', '127.0.0.1', '-m', '256', '-M', ...(userInfo().uid === 0 ? ['-u', 'root'] : [])];
    this.server = new PrivateServer(program, args, () => answers(port, 'version\r\n', /^VERSION/), this.folder);
  }

  static async start(): Promise<MemcachedServer> {
    const [port] = await freePorts(1) as [number];
    const memcached = new MemcachedServer(port);
    await memcached.server.start();
    return memcached;
  }

  async stop(): Promise<void> {
    await this.server.kill9();
    removeFolder(this.folder);
  }
}
