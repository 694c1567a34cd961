import { connect } from 'node:net';
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
    const [port] = await freePorts(1);
    const memcached = new MemcachedServer(port);
    await memcached.server.start();
    return memcached;
  }

  /** The value of a key, as text. */
  async get(key: string): Promise<string> {
    const [, value] = (await this.ask(`get ${key}`, /END\r\n$/)).split('\r\n');
    if (value === undefined || value === '') throw new Error(`memcached has no ${key}.`);
    return value;
  }

  /** As if it had run out of memory. */
  async evict(key: string): Promise<void> {
    const answer = await this.ask(`delete ${key}`, /\r\n$/);
    if (answer !== 'DELETED\r\n') throw new Error(`memcached has no ${key}: ${answer}`);
  }

  private ask(command: string, end: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      let answer = '';
      const socket = connect(this.port, '127.0.0.1', () => socket.write(`${command}\r\n`));
      socket.on('error', reject);
      socket.on('close', () => reject(new Error(`memcached has closed the connection after: ${answer}`)));
      socket.on('data', (data: Buffer) => {
        answer += data.toString();
        if (!end.test(answer)) return;
        socket.destroy();
        resolve(answer);
      });
    });
  }

  async stop(): Promise<void> {
    await this.server.kill9();
    removeFolder(this.folder);
  }
}
