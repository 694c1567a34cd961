import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const JOBS = join(process.cwd(), 'test/support/sidekiq/jobs.rb');
const LIMIT_MS = 120_000;

/** Whether Sidekiq is on this machine, or why it is not. */
export type SidekiqPeer = { readonly version: string } | { readonly unavailable: string };

export async function findSidekiq(): Promise<SidekiqPeer> {
  try {
    const { stdout } = await promisify(execFile)('sidekiq', ['--version'], { timeout: LIMIT_MS });
    return { version: stdout.trim() };
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    return { unavailable: code === 'ENOENT' ? 'there is no "sidekiq" on this machine: apt-get install ruby-sidekiq.' : `Sidekiq does not run: ${message.slice(0, 300)}` };
  }
}

/** As `Sidekiq::ProcessSet` and its like show it. */
export interface SidekiqView {
  readonly processes: readonly { readonly queues: readonly string[]; readonly concurrency: number; readonly pid: number; readonly tag: string }[];
  readonly work: readonly { readonly queue: string; readonly class: string }[];
  readonly retries: readonly SidekiqEntry[];
  readonly scheduled: readonly SidekiqEntry[];
  readonly dead: readonly SidekiqEntry[];
  readonly queues: Readonly<Record<string, number>>;
  readonly processed: number;
  readonly failed: number;
}

export interface SidekiqEntry {
  readonly class: string;
  readonly args: readonly unknown[];
  readonly jid: string;
  readonly queue: string;
  readonly at: number;
  readonly error: string;
  readonly error_class: string;
  readonly count: number;
}

/** Sidekiq on one Redis; `ours` is the queue that jobs there answer to. */
export class Sidekiq {
  private readonly env: Record<string, string>;

  constructor(url: string, ours: string) {
    this.env = { REDIS: url, OURS: ours };
  }

  async send(file: string): Promise<void> {
    await this.run('send', file);
  }

  async view(): Promise<SidekiqView> {
    return JSON.parse(await this.run('api')) as SidekiqView;
  }

  /** Its own web page, by path. */
  async web(): Promise<Readonly<Record<string, { readonly status: number; readonly body: string }>>> {
    return JSON.parse(await this.run('web')) as Record<string, { status: number; body: string }>;
  }

  /** All that is dead is tried again, as by its web page. */
  async revive(): Promise<void> {
    await this.run('revive');
  }

  /** A process that works the queue; to be ended by the caller. */
  work(queue: string): { readonly process: ChildProcess; readonly log: () => string } {
    const lines: string[] = [];
    const child = spawn('sidekiq', ['-r', JOBS, '-q', queue, '-c', '5', '-t', '5'], { env: { ...process.env, ...this.env }, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => lines.push(data.toString()));
    return { process: child, log: () => lines.join('') };
  }

  private async run(...args: readonly string[]): Promise<string> {
    const { stdout } = await promisify(execFile)('ruby', [JOBS, ...args], { timeout: LIMIT_MS, maxBuffer: 64 * 1024 * 1024, env: { ...process.env, ...this.env } });
    return stdout;
  }
}
