import { spawn, type ChildProcess } from 'node:child_process';
import { createConnection } from 'node:net';
import { killGroup } from './process-groups.js';
import { eventually, within } from './wait.js';

const START_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 30_000;

const servers = new Set<PrivateServer>();

/** A server that a test starts, kills and starts again, on a port and a data folder of its own. */
export class PrivateServer {
  private child: ChildProcess | undefined;
  private output = '';

  constructor(
    private readonly program: string,
    private readonly args: readonly string[],
    /** Answers once the server serves; may throw until then. */
    private readonly isUp: () => Promise<boolean>,
    private readonly cwd: string,
  ) {}

  /** Also after `kill9`: the same port, the same data. Resolves when it serves. */
  async start(): Promise<void> {
    if (this.child !== undefined) throw new Error(`${this.program} runs already; kill9() it first.`);
    if (servers.size === 0) process.off('exit', killAll).once('exit', killAll);
    servers.add(this);
    const child = spawn(this.program, this.args, { cwd: this.cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child = child;
    const onOutput = (data: Buffer): void => { this.output = (this.output + data.toString()).slice(-20_000); };
    child.stdout.on('data', onOutput);
    child.stderr.on('data', onOutput);
    const ended = new Promise<never>((_, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`${this.program} ended with code ${code} while starting:\n${this.output}`)));
    });
    let over = false;
    ended.catch(() => { over = true; });
    try {
      await eventually(async () => over || this.isUp(), (up) => up, `${this.program} to serve. It said:\n${this.output}`, { limitMs: START_LIMIT_MS, everyMs: 20 });
      if (over) await ended;
    } catch (error) {
      await this.kill9();
      throw error;
    }
  }

  /** SIGKILL, as a power cut. */
  async kill9(): Promise<void> {
    const { child } = this;
    if (child === undefined) return;
    this.child = undefined;
    servers.delete(this);
    const closed = child.exitCode === null ? new Promise((resolve) => child.once('close', resolve)) : Promise.resolve();
    killGroup(child, 'SIGKILL');
    await within(closed, STOP_LIMIT_MS, `${this.program} to die`);
  }

  /** Stops it in its tracks: connections stay open and nobody answers. */
  freeze(): void {
    if (this.child !== undefined) killGroup(this.child, 'SIGSTOP');
  }

  thaw(): void {
    if (this.child !== undefined) killGroup(this.child, 'SIGCONT');
  }

  killNow(): void {
    if (this.child !== undefined) killGroup(this.child, 'SIGKILL');
  }
}

/** The server takes connections. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' }, () => { socket.destroy(); resolve(true); });
    socket.once('error', () => resolve(false));
  });
}

/** The server answers this request with something that fits. */
export function answers(port: number, request: string, fits: RegExp): Promise<boolean> {
  return new Promise((resolve) => {
    let text = '';
    const socket = createConnection({ port, host: '127.0.0.1' }, () => socket.write(request));
    const done = (up: boolean): void => { socket.destroy(); resolve(up); };
    socket.setTimeout(2_000, () => done(false));
    socket.on('data', (data) => {
      text += data.toString('latin1');
      if (fits.test(text)) done(true);
    });
    socket.once('error', () => done(false));
    socket.once('close', () => done(false));
  });
}

function killAll(): void {
  for (const server of servers) server.killNow();
}
