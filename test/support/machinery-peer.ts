import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildGoPeer, type GoPeer } from './go-build.js';
import { startProcess, type Child } from './processes.js';

/** A program to run, or why there can be none on this machine. */
export type MachineryPeer = GoPeer;

/** Builds `test/support/machinery` with machinery v1.10.8, once for all runs. */
export function buildMachineryPeer(): Promise<MachineryPeer> {
  return buildGoPeer('machinery', join(process.cwd(), 'test/support/machinery'));
}

export interface MachinerySurroundings {
  readonly url: string;
  readonly exchange: string;
  /** Its own. */
  readonly queue: string;
  /** Ours. */
  readonly other: string;
  /** Its `ResultBackend`. Default: none. */
  readonly backend?: string;
}

/** A signature, as far as it is not empty. */
export type SentSignature = { readonly Name: string; readonly RoutingKey: string } & Readonly<Record<string, unknown>>;

export interface AwaitedPlan {
  readonly kind: 'task' | 'group' | 'chain' | 'chord';
  readonly tasks: readonly SentSignature[];
  readonly callback?: SentSignature;
}

/** What `AsyncResult` in Go has read of a task. */
export interface GoResult {
  readonly uuid: string;
  readonly name: string;
  readonly state: string;
  readonly values: readonly unknown[];
  /** Of Go. */
  readonly types: readonly string[];
  readonly error?: string;
}

/** Sends it, waits for all of its tasks, the callback last, and resolves to what is known of each. */
export async function awaitByMachinery(program: string, surroundings: MachinerySurroundings, plan: AwaitedPlan): Promise<GoResult[]> {
  const running = promisify(execFile)(program, [...flags(surroundings), 'await'], { timeout: 120_000 });
  running.child.stdin?.end(JSON.stringify(plan));
  const { stdout } = await running;
  return stdout.trim().split('\n').map((line) => JSON.parse(line) as GoResult);
}

/** @param isShared tasks `shared` to its own queue instead, of 0 and so on */
export async function sendByMachinery(program: string, surroundings: MachinerySurroundings, count: number, isShared = false): Promise<void> {
  await promisify(execFile)(program, [...flags(surroundings), '-count', String(count), ...(isShared ? ['-shared'] : []), 'send'], { timeout: 60_000 });
}

/** A worker; it ends when its standard input does. */
export function machineryWorker(program: string, surroundings: MachinerySurroundings): ChildProcess {
  return spawn(program, [...flags(surroundings), 'work'], { stdio: ['pipe', 'pipe', 'inherit'] });
}

/** The same worker for tests that kill it. @param hold of tasks `go.border` this one never ends, and it writes `held` */
export function startMachineryWorker(program: string, surroundings: MachinerySurroundings, hold: number): Child {
  return startProcess(program, [...flags(surroundings), '-hold', String(hold), 'work']);
}

function flags(surroundings: MachinerySurroundings): string[] {
  return Object.entries(surroundings).flatMap(([name, value]) => [`-${name}`, String(value)]);
}
