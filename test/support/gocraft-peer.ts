import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildGoPeer, type GoPeer } from './go-build.js';

/** A program to run, or why there can be none on this machine. */
export type GocraftPeer = GoPeer;

/** Builds `test/support/gocraft` with gocraft/work v0.5.1, once for all runs. */
export function buildGocraftPeer(): Promise<GocraftPeer> {
  return buildGoPeer('gocraft/work', join(process.cwd(), 'test/support/gocraft'));
}

export interface GocraftJob {
  readonly name: string;
  readonly id: string;
  readonly t: number;
  readonly args: Record<string, unknown> | null;
  readonly fails?: number;
  readonly err?: string;
}

/** As `work.Client` shows it, by which its web page is made. */
export interface GocraftView {
  readonly pools: readonly { readonly worker_pool_id: string; readonly job_names: readonly string[]; readonly concurrency: number; readonly pid: number; readonly worker_ids: readonly string[] }[];
  readonly observations: readonly { readonly is_busy: boolean; readonly job_name: string; readonly job_id: string; readonly args_json: string }[];
  readonly queues: readonly { readonly job_name: string; readonly count: number }[];
  readonly retries: readonly (GocraftJob & { readonly retry_at: number })[];
  readonly dead: readonly GocraftJob[];
  readonly scheduled: readonly GocraftJob[];
}

/** gocraft/work in one namespace. */
export class Gocraft {
  constructor(private readonly program: string, private readonly address: string, private readonly namespace: string) {}

  async send(file: string): Promise<void> {
    await this.run('send', file);
  }

  async view(): Promise<GocraftView> {
    return JSON.parse(await this.run('api')) as GocraftView;
  }

  async revive(): Promise<void> {
    await this.run('revive');
  }

  /** A worker pool, once it is ready; to be ended by the caller. */
  async work(): Promise<{ readonly process: ChildProcess; readonly log: () => string }> {
    const lines: string[] = [];
    const child = spawn(this.program, [...this.flags, 'work'], { stdio: ['ignore', 'pipe', 'pipe'] });
    const ready = new Promise((resolve) => child.stdout.once('data', resolve));
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => lines.push(data.toString()));
    await ready;
    return { process: child, log: () => lines.join('') };
  }

  private get flags(): string[] {
    return ['-redis', this.address, '-ns', this.namespace];
  }

  private async run(...args: readonly string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(this.program, [...this.flags, ...args], { timeout: 60_000, maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  }
}
