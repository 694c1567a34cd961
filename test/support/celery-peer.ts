import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { keepFolder } from '../../scripts/keep-folder.mjs';
import { startProcess, type Child } from './processes.js';
import { onTestFinished } from './test-end.js';

const SOURCE = join(process.cwd(), 'test/support/celery/tasks.py');
/** The versions whose bytes `test/golden/celery` has. */
const PACKAGES = ['celery==5.7.0', 'kombu==5.7.0', 'amqp==5.4.2', 'redis==8.1.0', 'packaging'];
const INSTALLED = join(process.cwd(), 'node_modules/.cache/nestjs-dispatcher/celery-5.7.0-redis');
const LIMIT_MS = 280_000;

/** A Python with Celery, or why there can be none on this machine. */
export type CeleryPeer = { readonly python: string } | { readonly unavailable: string };

/** Installs it once for all runs, in a virtual environment. */
export async function installCelery(): Promise<CeleryPeer> {
  const python = join(INSTALLED, 'bin/python');
  if (existsSync(python)) return { python };
  const unfinished = `${INSTALLED}.${process.pid}`;
  try {
    mkdirSync(join(INSTALLED, '..'), { recursive: true });
    await run('python3', ['-m', 'venv', unfinished]);
    await run(join(unfinished, 'bin/python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...PACKAGES]);
    keepFolder(unfinished, INSTALLED);
    return { python };
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    const { code, stderr, message } = error as Error & { code?: string; stderr?: string };
    return { unavailable: code === 'ENOENT' ? 'there is no "python3" on this machine.' : `Celery cannot be installed: ${(stderr ?? message).trim().replaceAll(/\s+/g, ' ').slice(-300)}` };
  }
}

export interface CelerySurroundings {
  readonly BROKER: string;
  readonly OURS: string;
  readonly THEIRS: string;
  /** Its `result_backend`. Default: none. */
  readonly BACKEND?: string;
}

/** A task, as far as there is something to say of it. */
export interface SentCelery {
  readonly name: string;
  readonly queue: string;
  readonly args?: readonly unknown[];
}

export interface CeleryPlan {
  readonly kind: 'group' | 'chain' | 'chord';
  readonly tasks: readonly SentCelery[];
  readonly callback?: SentCelery;
}

/** What `AsyncResult` in Python has got of a task. */
export interface CeleryOutcome {
  readonly id: string;
  readonly state: string;
  readonly value: unknown;
  /** Its class and its text. */
  readonly error?: readonly [string, string];
}

/** Sends it, waits for all of its tasks, the callback last, and resolves to what was got of each. */
export async function awaitByCelery(python: string, surroundings: CelerySurroundings, plan: CeleryPlan): Promise<CeleryOutcome[]> {
  const running = promisify(execFile)(python, [SOURCE, 'await'], { timeout: LIMIT_MS, env: { ...process.env, ...surroundings } });
  running.child.stdin?.end(JSON.stringify(plan));
  return JSON.parse((await running).stdout.trim().split('\n').at(-1) ?? '') as CeleryOutcome[];
}

/** Asks the workers not to run it. */
export async function revokeByCelery(python: string, surroundings: CelerySurroundings, ids: readonly string[], terminate = false): Promise<void> {
  await run(python, [SOURCE, 'revoke', String(terminate), ...ids], { ...surroundings });
}

/** Sends the tasks of this file. */
export async function sendByCelery(python: string, surroundings: CelerySurroundings, file: string): Promise<void> {
  await run(python, [SOURCE, 'send', file], { ...surroundings });
}

/** The same worker for tests that kill it. @param hold of tasks `py.border` this one never ends, and it writes `held` */
export function startCeleryWorker(python: string, surroundings: CelerySurroundings, hold: number): Child {
  return startProcess(python, [SOURCE, 'work'], { env: { ...surroundings, HOLD: String(hold), PYTHONUNBUFFERED: '1' } });
}

/** A worker that consumes `THEIRS`, until the end of the test; of one that has failed it says what it wrote. */
export function celeryWorkerOfTest(python: string, surroundings: CelerySurroundings): void {
  const lines: string[] = [];
  const worker = spawn(python, [SOURCE, 'work'], { env: { ...process.env, ...surroundings, PYTHONUNBUFFERED: '1' }, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [worker.stdout, worker.stderr]) stream.on('data', (data: Buffer) => lines.push(data.toString()));
  onTestFinished(async ({ task }) => {
    if (task.result?.state === 'fail') console.warn(lines.join(''));
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    worker.kill('SIGKILL');
    await ended;
  });
}

async function run(program: string, args: readonly string[], env: Record<string, string> = {}): Promise<void> {
  await promisify(execFile)(program, args, { timeout: LIMIT_MS, env: { ...process.env, ...env } });
}
