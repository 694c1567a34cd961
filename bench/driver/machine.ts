/* What the machine and the run's own processes have used, from /proc. On other systems nothing is known, and no run is marked. */
import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ: fixed at 100 for what Linux shows in /proc. */
const TICKS = 100;

export interface Snapshot {
  readonly at: number;
  readonly busy: number;
  /** CPU seconds of each process of the run: the driver, its servers, the systems under test. */
  readonly own: ReadonlyMap<number, number>;
}

/** CPU seconds of a process and the most memory that it has had; zeros where /proc does not tell. */
export function usageOf(pid: number): { cpuSeconds: number; peakMiB: number } {
  const status = read(`/proc/${pid}/status`);
  const peak = /VmHWM:\s+(\d+) kB/.exec(status)?.[1];
  return { cpuSeconds: processOf(pid)?.cpu ?? 0, peakMiB: Number(peak ?? 0) / 1024 };
}

export function snapshot(): Snapshot {
  return { at: performance.now() / 1000, busy: busySeconds(), own: ownProcesses() };
}

/** How many cores others kept busy between two snapshots: 0.1 is a tenth of one core all the time. */
export function othersBetween(before: Snapshot, after: Snapshot): number {
  let own = 0;
  for (const [pid, cpu] of after.own) own += cpu - (before.own.get(pid) ?? 0);
  const seconds = after.at - before.at;
  return seconds <= 0 ? 0 : Math.max(0, (after.busy - before.busy - own) / seconds);
}

/** Interrupts are left out: our own network traffic causes them, and no process is charged. */
function busySeconds(): number {
  const [user, nice, system, , , , , steal] = (/^cpu +(.*)$/m.exec(read('/proc/stat'))?.[1] ?? '').split(' ').map(Number);
  return ((user ?? 0) + (nice ?? 0) + (system ?? 0) + (steal ?? 0)) / TICKS;
}

/** The driver and all that descends from it. */
export function ownProcesses(): Map<number, number> {
  const all = new Map<number, { parent: number; cpu: number }>();
  for (const entry of listProcesses()) {
    const found = processOf(entry);
    if (found) all.set(entry, found);
  }
  const isOwn = (pid: number): boolean => {
    for (let at: number | undefined = pid; at !== undefined && at > 0; at = all.get(at)?.parent) if (at === process.pid) return true;
    return false;
  };
  return new Map([...all].filter(([pid]) => isOwn(pid)).map(([pid, { cpu }]) => [pid, cpu]));
}

function listProcesses(): number[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number);
  } catch {
    return [];
  }
}

function processOf(pid: number): { parent: number; cpu: number } | undefined {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === '') return undefined;
  // The name in parentheses may hold spaces; what follows the last ")" is fixed.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { parent: Number(fields[1]), cpu: (Number(fields[11]) + Number(fields[12])) / TICKS };
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
