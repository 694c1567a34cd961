import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { killGroup } from './process-groups.js';
import { Arrivals, Signal, DEFAULT_LIMIT_MS } from './wait.js';

/** Many may start at once, on a machine that is busy with others. */
const LINE_LIMIT_MS = 55_000;

export interface ScriptOptions {
  args?: string[];
  /** Beside the environment of this process. */
  env?: NodeJS.ProcessEnv;
  cwd?: string;
}

export interface Exit { code: number | null; signal: NodeJS.Signals | null }

const running = new Set<Child>();

/**
 * Runs a script of this repository as a process of its own, from its built form: give the path of
 * the source, `test/support/scripts/worker.ts`. The projects `integration` and `faults` build first.
 */
export function startScript(source: string, options: ScriptOptions = {}): Child {
  const built = join(process.cwd(), 'dist', source.replace(/\.ts$/, '.js'));
  return startProcess(process.execPath, [built, ...options.args ?? []], options);
}

/** Runs any program as a process of its own. */
export function startProcess(program: string, args: string[], options: ScriptOptions = {}): Child {
  if (running.size === 0) process.off('exit', killRunning).once('exit', killRunning);
  // Its own group, so that whatever it starts ends with it.
  const child = spawn(program, args, { env: { ...process.env, ...options.env }, cwd: options.cwd, detached: true });
  return new Child(child, [program, ...args].join(' '));
}

/** Children that were not ended by their test: the names of what the leak guard had to kill. */
export function killRunning(): string[] {
  const leaked = [...running];
  for (const child of leaked) child.kill('SIGKILL');
  running.clear();
  return leaked.map((child) => child.title);
}

/** A child process: what it prints arrives line by line. */
export class Child {
  /** Lines of its standard output. */
  readonly lines = new Arrivals<string>();
  private readonly ended = new Signal<Exit>();
  private readonly output: Interface;
  private errors = '';

  constructor(private readonly child: ChildProcessWithoutNullStreams, readonly title: string) {
    running.add(this);
    this.output = createInterface({ input: child.stdout }).on('line', this.lines.add);
    child.stderr.on('data', (data: Buffer) => { this.errors = (this.errors + data.toString()).slice(-20_000); });
    child.stdin.on('error', () => undefined);
    child.once('error', (error) => this.ended.fail(error));
    // 'close' and not 'exit': only then has every line arrived.
    child.once('close', (code, signal) => {
      running.delete(this);
      this.ended.fire({ code, signal });
    });
  }

  get pid(): number {
    return this.child.pid as number;
  }

  /** What it wrote to its standard error, the last 20,000 characters. */
  get stderr(): string {
    return this.errors;
  }

  /** The first line that fits; rejects at once when the process ends without it. */
  async line(fits: RegExp, limitMs = LINE_LIMIT_MS): Promise<string> {
    let end: string | undefined;
    const endedBy = (how: string): void => {
      end = how;
      this.lines.look();
    };
    this.ended.promise.then(({ code, signal }) => endedBy(signal ?? `code ${code}`), (error: Error) => endedBy(error.message));
    try {
      await this.lines.until(() => end !== undefined || this.lines.all.some((line) => fits.test(line)), limitMs, () => `a line like ${fits} of ${this.title}, among ${this.lines.all.length}`);
      const found = this.lines.all.find((line) => fits.test(line));
      if (found !== undefined) return found;
      throw new Error(`${this.title} ended (${end}) before a line like ${fits}.`);
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${this.errors}`, { cause: error });
    }
  }

  /** Each line from now on, as it arrives; for output of many thousands of lines, which `line` would search again and again. */
  onLine(listener: (line: string) => void): void {
    this.output.on('line', listener);
  }

  send(line: string): void {
    this.child.stdin.write(`${line}\n`);
  }

  closeInput(): void {
    this.child.stdin.end();
  }

  /** As a reader that has enough: `| head`. */
  closeOutput(): void {
    this.child.stdout.destroy();
  }

  /** To the child and everything that it started. */
  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    killGroup(this.child, signal);
  }

  /** To the child alone, as a terminal or an orchestrator would. */
  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** However long that takes. */
  end(): Promise<Exit> {
    return this.ended.promise;
  }

  exited(limitMs = DEFAULT_LIMIT_MS): Promise<Exit> {
    return this.ended.within(limitMs, `the end of ${this.title}`);
  }

  async stop(): Promise<void> {
    this.kill();
    await this.exited();
  }
}
