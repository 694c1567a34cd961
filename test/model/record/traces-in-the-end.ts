import type { Trace } from '../traces/follow.js';
import { eventually } from '../../support/wait.js';

const LIMIT_MS = 120_000;
const EVERY_MS = 500;

/**
 * What was recorded once all is over. Where that does not come about, what there is: the run has failed then, and the
 * specification may say why.
 */
export async function tracesInTheEnd(traces: () => ReadonlyMap<string, Trace>, isOver: (trace: Trace) => boolean, count: number): Promise<Trace[]> {
  try {
    await eventually(traces, (all) => all.size === count && [...all.values()].every(isOver), `an end of all ${count}`, { limitMs: LIMIT_MS, everyMs: EVERY_MS });
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
  return [...traces().values()];
}
