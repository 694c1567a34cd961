import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findServer } from '../../scripts/find-result-servers.mjs';
import { freePorts } from './free-ports.js';
import { accepts, answers, PrivateServer } from './private-server.js';
import { removeFolder, temporaryFolder } from './temporary-folder.js';

export interface RedisOptions {
  password?: string;
  /** TLS and nothing else on the port, with a certificate for localhost that nobody has signed. */
  tls?: boolean;
}

/** Whether the Redis of the tests was built with TLS. */
export function speaksTls(): boolean {
  const program = findServer('redis-server');
  // It ends in either case: what it does not know is a bad directive, what it knows is to be a number.
  if (program === undefined) return false;
  const { stdout, stderr } = spawnSync(program, ['--port', '0', '--tls-port', 'none'], { encoding: 'utf8', timeout: 10_000 });
  return !/bad directive/i.test(stdout + stderr);
}

/** A private Redis whose data are on disk; every write is there before it is answered. */
export class RedisServer {
  readonly folder = temporaryFolder('redis');
  readonly socketPath = `${this.folder}/redis.sock`;
  readonly url: string;
  readonly server: PrivateServer;

  private constructor(readonly port: number, { password, tls = false }: RedisOptions) {
    this.url = `${tls ? 'rediss' : 'redis'}://${password === undefined ? '' : `:${password}@`}127.0.0.1:${port}/0`;
    const ports = tls ? ['--port', '0', '--tls-port', String(port), '--tls-auth-clients', 'no', ...this.makeCertificate()] : ['--port', String(port)];
    const args = [...ports, '--bind', '127.0.0.1', '--unixsocket', this.socketPath, '--dir', this.folder, '--save', '',
      '--appendonly', 'yes', '--appendfsync', 'always', ...(password === undefined ? [] : ['--requirepass', password])];
    const program = findServer('redis-server');
    if (program === undefined) throw new Error('Found no redis-server on this machine. Install it: apt-get install redis-server');
    this.server = new PrivateServer(program, args, () => (tls ? accepts(port) : answers(port, 'PING\r\n', /\+PONG|-NOAUTH/)), this.folder);
  }

  /** In PEM. */
  get certificate(): string {
    return readFileSync(join(this.folder, 'cert.pem'), 'utf8');
  }

  private makeCertificate(): string[] {
    const [key, certificate] = [join(this.folder, 'key.pem'), join(this.folder, 'cert.pem')];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
      '-keyout', key, '-out', certificate, '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'], { stdio: 'ignore' });
    return ['--tls-key-file', key, '--tls-cert-file', certificate, '--tls-ca-cert-file', certificate];
  }

  static async start(options: RedisOptions = {}): Promise<RedisServer> {
    const [port] = await freePorts(1);
    const redis = new RedisServer(port, options);
    await redis.server.start();
    return redis;
  }

  async stop(): Promise<void> {
    await this.server.kill9();
    removeFolder(this.folder);
  }
}
