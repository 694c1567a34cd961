import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Signals a child that was started `detached`, and everything that it started in turn. */
export function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  signalQuietly(-child.pid, signal);
}

/**
 * Kills the processes whose environment contains this text, which only what we started ourselves can
 * have (a random folder name, for one). Returns how many it found. Linux; elsewhere it finds none.
 */
export function killMarked(mark: string): number {
  const pids = markedProcesses(mark);
  for (const pid of pids) signalQuietly(pid, 'SIGKILL');
  return pids.length;
}

function markedProcesses(mark: string): number[] {
  let entries: string[];
  try {
    entries = readdirSync('/proc');
  } catch {
    return [];
  }
  return entries.filter((entry) => /^\d+$/.test(entry)).map(Number).filter((pid) => pid !== process.pid && isMarked(pid, mark));
}

function isMarked(pid: number, mark: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`).includes(mark);
  } catch {
    // It has ended, or belongs to somebody else; either way it is not ours.
    return false;
  }
}

function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // ESRCH: it has ended already.
  }
}
