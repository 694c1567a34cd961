import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';

/** Which process somebody is, so that another with the same number is not taken for it. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, as the system says it; absent where the system cannot tell. */
  readonly started?: string;
  /** In which process namespace (container) `pid` counts; absent where there are none. */
  readonly namespace?: string;
}

export type Liveness =
  | 'alive'
  | 'dead'
  /** It lives in another container: its number says nothing here. */
  | 'out-of-sight';

export function ownIdentity(): ProcessIdentity {
  return { pid: process.pid, started: startOf(process.pid), namespace: ownNamespace() };
}

/** A stopped process (SIGSTOP, a debugger) is alive; a zombie is dead. */
export function livenessOf(other: ProcessIdentity): Liveness {
  if (other.namespace !== ownNamespace()) return 'out-of-sight';
  if (!exists(other.pid)) return 'dead';
  const started = startOf(other.pid);
  // Where the system does not tell, the number alone has to do.
  if (started === undefined || other.started === undefined) return 'alive';
  return started === other.started ? 'alive' : 'dead';
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, but belongs to another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function startOf(pid: number): string | undefined {
  if (process.platform === 'linux') return linuxStart(pid);
  return process.platform === 'win32' ? undefined : posixStart(pid);
}

/**
 * Clock ticks since the machine started, with the name of that start, because the ticks begin anew.
 * `undefined` when it cannot be read; a zombie gets a start that no process has.
 */
function linuxStart(pid: number): string | undefined {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The second field is a name in parentheses that may itself contain parentheses and blanks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  if (state === 'Z' || state === 'X') return 'ended';
  return `${bootId()}:${fields[19]}`;
}

/** `ps` costs milliseconds, so it is asked once for each process; a reuse within a second of the first look is not seen. */
const posixStarts = new Map<number, string | undefined>();

function posixStart(pid: number): string | undefined {
  if (posixStarts.size > 1000) posixStarts.clear();
  if (!posixStarts.has(pid)) posixStarts.set(pid, askPs(pid));
  return posixStarts.get(pid);
}

function askPs(pid: number): string | undefined {
  try {
    const start = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', timeout: 2000, stdio: ['ignore', 'pipe', 'ignore'] });
    return start.trim() || undefined;
  } catch {
    return undefined;
  }
}

let knownBootId: string | undefined;
let knownNamespace: string | undefined | null = null;

function bootId(): string {
  return (knownBootId ??= read('/proc/sys/kernel/random/boot_id')?.trim() ?? '');
}

function ownNamespace(): string | undefined {
  if (knownNamespace === null) knownNamespace = readNamespace();
  return knownNamespace;
}

function readNamespace(): string | undefined {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return undefined;
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
