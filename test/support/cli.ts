import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { run } from '../../lib/cli/run.js';
import { type Child, startScript } from './processes.js';

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** What it printed, read as JSON. */
  json<T = Record<string, unknown>>(): T;
  /** The failure of a call with `--json`. */
  failure(): { code: string; message: string; exitCode: number; fields: Record<string, unknown> };
}

export interface CliPlace {
  readonly broker?: string;
  readonly exchange?: string;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

const LIMIT_MS = 60_000;

/** The built program as a child process. */
export function startCli(args: string[], { broker = '', exchange = '', cwd, env }: CliPlace = {}): Child {
  return startScript('lib/cli/main.ts', { args, cwd, env: { ...environmentOf({ broker, exchange }), ...env } });
}

function environmentOf({ broker = '', exchange = '' }: CliPlace): NodeJS.ProcessEnv {
  return { DISPATCHER_BROKER: broker, DISPATCHER_EXCHANGE: exchange, DISPATCHER_CONFIG: '', DISPATCHER_RESULT_BACKEND: '' };
}

/** Runs it to its end. */
export async function runCli(args: string[], place?: CliPlace): Promise<CliResult> {
  const child = startCli(args, place);
  const { code } = await child.exited(LIMIT_MS);
  return resultOf(code, child.lines.all.join('\n'), child.stderr);
}

/**
 * Runs it to its end within this process, which starts and loads nothing: for tests of many calls, where others see that the
 * program does the same as a process.
 */
export async function runCliHere(args: string[], { cwd = process.cwd(), env, ...place }: CliPlace = {}): Promise<CliResult> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const written = Promise.all([text(stdout), text(stderr)]);
  stdin.end();
  const environment = { ...process.env, ...environmentOf(place), ...env };
  const code = await run(args, { stdin, stdout, stderr, environment, folder: cwd }, () => undefined);
  stdout.end();
  stderr.end();
  const [out, err] = await written;
  return resultOf(code, out.trimEnd(), err);
}

function resultOf(code: number | null, stdout: string, stderr: string): CliResult {
  return {
    code, stdout, stderr,
    json: <T>() => read<T>(stdout, stderr),
    failure: () => read<{ error: ReturnType<CliResult['failure']> }>(stderr.trim().split('\n').at(-1) ?? '', stdout).error,
  };
}

function read<T>(text: string, other: string): T {
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new Error(`Not JSON: ${text}\n${other}`);
  }
}
