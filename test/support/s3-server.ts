import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { buildGoPeer } from './go-build.js';

export interface S3Server {
  readonly endpoint: string;
  stop(): Promise<void>;
}

/** A server of S3's protocol in memory, gofakes3, with one bucket `claims`; or why there can be none on this machine. */
export async function startS3(): Promise<S3Server | { readonly unavailable: string }> {
  const built = await buildGoPeer('gofakes3', join(process.cwd(), 'test/support/s3'));
  if ('unavailable' in built) return built;
  const child = spawn(built.program, [], { stdio: ['pipe', 'pipe', 'ignore'] });
  const address = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (data: Buffer) => { resolve(data.toString().trim()); });
    child.once('exit', (code) => { reject(new Error(`The S3 server has ended at once (${code}).`)); });
  });
  const ended = new Promise<void>((resolve) => { child.once('exit', () => { resolve(); }); });
  return { endpoint: `http://${address}`, stop: () => { child.stdin.end(); return ended; } };
}
