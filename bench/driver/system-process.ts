import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Signal } from '../../test/support/wait.js';
import type { Command } from './definition.js';
import { usageOf } from './machine.js';

/** A line `bench started MICROS` or `bench done MICROS key=value ...` of a system under test. */
export interface Mark {
  readonly micros: number;
  readonly values: Record<string, number>;
}

type Word = 'ready' | 'started' | 'done';
const WORDS: readonly string[] = ['ready', 'started', 'done'];
const STDERR_KEPT = 4_000;

/** Whatever way the driver ends, none of these goes on without it. */
const running = new Set<ChildProcess>();
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** One system under test in a process of its own, spoken to by lines (see `system/program.ts`). */
export class SystemProcess {
  private readonly child: ChildProcess;
  private readonly marks = new Map<string, Signal<Mark>>(WORDS.map((word) => [word, new Signal<Mark>()]));
  /** Called for each task that a system with `tally=on` has finished. */
  onFinished: () => void = () => undefined;
  private readonly exited: Promise<void>;
  private complaints = '';

  constructor(private readonly name: string, [program, ...args]: Command) {
    this.child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    running.add(this.child);
    this.child.once('close', () => running.delete(this.child));
    this.child.stderr!.on('data', (data: Buffer) => (this.complaints = (this.complaints + data.toString()).slice(-STDERR_KEPT)));
    this.child.stdin!.on('error', () => undefined);
    createInterface({ input: this.child.stdout! }).on('line', (line) => this.read(line));
    this.exited = new Promise((resolve) => {
      this.child.once('error', (error) => resolve(this.fail(error.message)));
      this.child.once('close', (code, signal) => resolve(this.fail(`it ended (${signal ?? code}) before it was through`)));
    });
  }

  /** CPU seconds so far and peak memory. */
  usage(): ReturnType<typeof usageOf> {
    return usageOf(this.child.pid ?? 0);
  }

  get pid(): number { return this.child.pid ?? 0; }

  say(word: 'go' | 'quit'): void {
    this.child.stdin!.write(`${word}\n`);
  }

  /** @throws Error when the process ends before it, or `limitMs` pass; the text carries what it complained of */
  async wait(word: Word, limitMs: number): Promise<Mark> {
    return this.marks.get(word)!.within(limitMs, `"${word}" of ${this.name}`);
  }

  /** Lets it settle what it has finished; kills it when that takes long. */
  async quit(limitMs = 15_000): Promise<void> {
    this.say('quit');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), limitMs);
    await this.exited;
    clearTimeout(timer);
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }

  private read(line: string): void {
    const [bench, word = '', micros, ...values] = line.trim().split(' ');
    if (bench === 'bench' && word === 'finished') this.onFinished();
    const signal = this.marks.get(word);
    if (bench !== 'bench' || signal === undefined) return;
    const pairs = values.map((pair) => pair.split('=')).map(([key = '', value]) => [key, Number(value)] as const);
    signal.fire({ micros: Number(micros), values: Object.fromEntries(pairs) });
  }

  private fail(what: string): void {
    const error = new Error(`${this.name}: ${what}.${this.complaints === '' ? '' : ` It wrote:\n${this.complaints}`}`);
    for (const mark of this.marks.values()) mark.fail(error);
  }
}
