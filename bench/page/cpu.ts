import { readdirSync, readFileSync } from 'node:fs';
import { ownProcesses } from '../driver/machine.js';

/** CPU milliseconds, of all their threads. */
export interface CpuMs {
  readonly workers: number;
  /** The process of the page, which is the driver's own. */
  readonly page: number;
  /** All else that the driver has started: the broker. */
  readonly broker: number;
}

/** So far. To the nanosecond where the kernel tells, so that others who are busy meanwhile change little of it. */
export function cpuSoFar(workers: ReadonlySet<number>): CpuMs {
  const sums = { workers: 0, page: 0, broker: 0 };
  for (const pid of ownProcesses().keys()) sums[pid === process.pid ? 'page' : workers.has(pid) ? 'workers' : 'broker'] += runMs(pid);
  return sums;
}

/** For each look: what was used with an open page, less what is used in the same time without one. */
export function costOfLook(before: CpuMs, between: CpuMs, after: CpuMs, looks: number): CpuMs {
  const of = (who: keyof CpuMs): number => (after[who] - between[who] - (between[who] - before[who])) / Math.max(1, looks);
  return { workers: of('workers'), page: of('page'), broker: of('broker') };
}

function runMs(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => sum + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1e6, 0);
  } catch {
    return 0;
  }
}
